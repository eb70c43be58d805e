// Loads ResNet18 exported by PyTorch, runs it off the JS thread, and holds its logits against Python's.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Module, ops, scope, Tensor } from '../../dist/index.js'
import { goldenInput } from './golden-input.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const goldenFile = join(root, 'test', 'golden', 'resnet18.json')
const tolerance = 1e-5
const demos = ['resnet18', 'all']

/** dtype float32 [1, 3, 224, 224] unless the golden says otherwise. */
async function runResnet18() {
  if (!existsSync(goldenFile)) throw new Error(`Expected Python's logits in ${goldenFile} but the file is missing`)
  const golden = goldenInput(JSON.parse(readFileSync(goldenFile, 'utf8')))
  const module = await Module.load(join(root, '.artifacts', 'resnet18.pt'))
  console.log(`loaded .artifacts/resnet18.pt: ${module.methods().length} methods`)

  const input = Tensor.from(golden.input, golden.shape)
  await module.forward(input) // the first call also warms TorchScript's executor
  const start = performance.now()
  const output = await module.forward(input)
  console.log(`forward [${golden.shape}] -> [${output.shape}] in ${(performance.now() - start).toFixed(1)} ms`)

  const logits = await output.data()
  const best = [...logits.keys()].sort((a, b) => logits[b] - logits[a]).slice(0, 5)
  for (const index of best) console.log(`  class ${String(index).padStart(4)}  logit ${logits[index].toFixed(6)}`)

  const probabilities = await ops.softmax(output, -1)
  const sum = await (await ops.sum(probabilities)).data()
  console.log(`softmax of the logits sums to ${sum[0].toFixed(6)}`)

  let difference = logits.length === golden.logits.length ? 0 : Number.POSITIVE_INFINITY
  // Written so that a NaN counts as a difference.
  for (const [i, wanted] of golden.logits.entries()) {
    const distance = Math.abs(logits[i] - wanted)
    if (!(distance <= difference)) difference = distance
  }
  const equal = difference <= tolerance
  console.log(
    `maximum difference ${difference.toExponential(2)}: ${equal ? 'equal to' : 'NOT equal to'} Python's within 1e-5`,
  )
  module.dispose()
  return equal
}

const wanted = process.argv[2] ?? 'resnet18'
if (!demos.includes(wanted)) {
  console.error(`Expected one of ${demos.join(', ')} but received '${wanted}'`)
  process.exitCode = 1
} else if (!(await scope(runResnet18))) {
  process.exitCode = 1
}
