// resample.only: CPU time from decoded pixels to the resized and cropped ones, which must be Pillow's to the last bit.
import { join } from 'node:path'
import { round } from '../statistics.mjs'
import { cpuFigures, inTurn, measureOnOneThread } from './cpu-time.mjs'
import { ensureBenchImages } from './images.mjs'
import { measureResample } from './python-peers.mjs'

const child = join(import.meta.dirname, 'children', 'resample.mjs')
const published = "pillow-simd's README says 4 to 6 times Pillow"

async function measure(context) {
  const file = (await ensureBenchImages(context))['1920x1080']
  const [rounds, seconds] = context.quick ? [1, 0.2] : [5, 1]
  const results = await inTurn(
    rounds,
    () => measureOnOneThread(context, child, { file, seconds }),
    () => measureResample(context, { file, seconds }),
  )
  const squash = cpuFigures(results, 'squash', 'Pillow', [])
  const remark = `the whole image to a square: ours ${round(squash.ours)}, peer ${round(squash.peer)} ms`
  const figures = cpuFigures(results, 'resizeAndCrop', 'Pillow', [remark, published])
  return { 'resample.only': { ...figures, correct: figures.correct && squash.correct } }
}

export const resample = { rows: [{ row: 'resample.only', unit: 'CPU-ms', better: 'lower' }], measure }
