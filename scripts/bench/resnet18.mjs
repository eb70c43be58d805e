// ResNet18 with one set of weights in every stack, held against the logits that Python computed.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { goldenInput } from '../demo/golden-input.mjs'

const tolerance = 1e-5

/** How each stack finds the model; `stack` names a file in stacks/. */
export function resnet18Stacks({ root, peers }) {
  return {
    ours: { stack: 'node-libtorch', model: join(root, '.artifacts', 'resnet18.pt') },
    onnxruntime: { stack: 'onnxruntime', model: peers.onnxModel, onnxruntime: peers.onnxruntime },
  }
}

/** {input, shape, logits}: float32 [1, 3, 224, 224] and the float32 [1000] that Python made of it. */
export function readGolden(root) {
  return goldenInput(JSON.parse(readFileSync(join(root, 'test', 'golden', 'resnet18.json'), 'utf8')))
}

/** Within 1e-5 of Python's logits; a NaN is not. */
export function equalsGolden(logits, golden) {
  return (
    logits.length === golden.logits.length &&
    golden.logits.every((wanted, i) => Math.abs(logits[i] - wanted) <= tolerance)
  )
}

/** Opens the model of one stack in this process. */
export async function openResnet18({ stack, ...options }, golden) {
  const { openResnet18: open } = await import(`./stacks/${stack}.mjs`)
  return open({ ...options, input: golden.input, shape: golden.shape })
}
