// Loads ResNet18 as PyTorch exported it, runs it off the JS thread, and holds its logits against Python's.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Module, ops, scope, Tensor } from '../../dist/index.js'
import { maxDifference } from './difference.mjs'
import { goldenInput } from './golden-input.mjs'

const tolerance = 1e-5

/** Resolves to whether the logits equal Python's. */
export function resnet18({ root }) {
  return scope(async () => {
    const golden = goldenInput(JSON.parse(readFileSync(join(root, 'test', 'golden', 'resnet18.json'), 'utf8')))
    const module = await Module.load(join(root, '.artifacts', 'resnet18.pt'))
    console.log(
      `loaded .artifacts/resnet18.pt: ${module
        .methods()
        .map(({ name }) => name)
        .join(', ')}`,
    )

    const input = Tensor.from(golden.input, golden.shape)
    await module.forward(input) // the first call also warms TorchScript's executor
    const start = performance.now()
    const output = await module.forward(input)
    console.log(`forward [${golden.shape}] -> [${output.shape}] in ${(performance.now() - start).toFixed(1)} ms`)

    const { values, indices } = await ops.topk(output, 5)
    const [logits, classes] = await Promise.all([values.data('float32'), indices.data('int64')])
    for (const [i, logit] of logits.entries()) {
      console.log(`  class ${String(classes[i]).padStart(4)}  logit ${logit.toFixed(6)}`)
    }
    const difference = maxDifference(await output.data('float32'), golden.logits)
    const equal = difference <= tolerance
    console.log(
      `largest difference ${difference.toExponential(2)}: ${equal ? 'equal to' : 'NOT equal to'} Python's within 1e-5`,
    )
    return equal
  })
}
