// CPU time of this package's resampler, as peers/resample.py measures Pillow's. Argument: JSON {file, seconds}. Prints
// {resizeAndCrop, squash}, each {milliseconds, sha256}, the hash of uint8 [224, 224, 3].
import { createHash } from 'node:crypto'
import { ops } from 'node-libtorch'
import sharp from 'sharp'
import { preprocess } from '../../../../dist/io/preprocess.js'
import { cpuMilliseconds } from './cpu-time.mjs'

const { file, seconds } = JSON.parse(process.argv[2])
const variants = { resizeAndCrop: { cropPct: 0.95 }, squash: { cropPct: 1, cropMode: 'squash' } }
const decoded = await sharp(file).raw().toBuffer({ resolveWithObject: true })
const image = { pixels: decoded.data, width: decoded.info.width, height: decoded.info.height }

async function measure(variant) {
  const run = () => preprocess(image, variant, { normalize: false }) // uint8 [1, 3, 224, 224]
  const entries = await run()
  const interleaved = await ops.permute(entries, [0, 2, 3, 1])
  const sha256 = createHash('sha256')
    .update(await interleaved.data())
    .digest('hex')
  entries.dispose()
  interleaved.dispose()
  return { milliseconds: await cpuMilliseconds(async () => (await run()).dispose(), seconds), sha256 }
}

const results = {}
for (const [name, variant] of Object.entries(variants)) results[name] = await measure(variant)
console.log(JSON.stringify(results))
