// CPU time of this package's transform, as peers/transform.py measures timm's. Argument: JSON {files, seconds}. Prints
// {[file]: {milliseconds, sha256}}, the hash of float32 [3, H, W] little-endian.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { preprocess } from '../../../../dist/io/preprocess.js'
import { cpuMilliseconds } from './cpu-time.mjs'

const { files, seconds } = JSON.parse(process.argv[2])
const resnet18 = { inputSize: [3, 224, 224], interpolation: 'bicubic', cropPct: 0.95 }
sharp.concurrency(1)

async function measure(file) {
  const bytes = readFileSync(file)
  const tensor = await preprocess(bytes, resnet18)
  const sha256 = createHash('sha256')
    .update(await tensor.data())
    .digest('hex')
  tensor.dispose()
  return {
    milliseconds: await cpuMilliseconds(async () => (await preprocess(bytes, resnet18)).dispose(), seconds),
    sha256,
  }
}

const results = {}
for (const file of files) results[file] = await measure(file)
console.log(JSON.stringify(results))
