// preprocess.*: CPU time from a JPEG's bytes to the normalized tensor, which must be timm's to the last bit.
import { join } from 'node:path'
import { cpuFigures, inTurn, measureOnOneThread } from './cpu-time.mjs'
import { ensureBenchImages, sizes } from './images.mjs'
import { measureTransform } from './python-peers.mjs'

const child = join(import.meta.dirname, 'children', 'transform.mjs')

async function measure(context) {
  const images = await ensureBenchImages(context)
  const files = sizes.map((size) => images[size])
  const [rounds, seconds] = context.quick ? [1, 0.2] : [5, 1]
  const results = await inTurn(
    rounds,
    () => measureOnOneThread(context, child, { files, seconds }),
    () => measureTransform(context, { files, seconds }),
  )
  return Object.fromEntries(
    sizes.map((size) => [`preprocess.${size}`, cpuFigures(results, images[size], "timm's transform", [])]),
  )
}

export const transform = {
  rows: sizes.map((size) => ({ row: `preprocess.${size}`, unit: 'CPU-ms', better: 'lower' })),
  measure,
}
