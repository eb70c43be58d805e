// Weights by name into ResNet18, as peers/load.py does it. Argument: JSON {root, weights, loads, mmap, touch}: the
// safetensors file, how often it is loaded, whether it is mapped, and the TorchScript function that touches every page of a
// list of tensors. Prints {milliseconds, correct}: of each load into a fresh model until every page was touched, the first
// one too, which is the process's first; and whether the logits with the weights of the last are those that Python computed.
import { join } from 'node:path'
import { Module, scope, Tensor } from 'node-libtorch'
import { Safetensors } from 'node-libtorch/io'
import { equalsGolden, readGolden } from '../../resnet18.mjs'

const { root, weights, loads, mmap, touch } = JSON.parse(process.argv[2])
const golden = readGolden(root)
const program = join(root, 'data', 'architectures', 'resnet18.pt')
const toucher = await Module.fromSource(touch.replace('(', '(self, '))
const image = Tensor.from(golden.input, golden.shape)

/** TorchScript compiles while a function is called for the first times. */
const small = Tensor.from(new Float32Array(1))
for (let i = 0; i < 5; i += 1) (await toucher.call('touch', [[small, small]])).dispose()

async function load(module) {
  const file = await Safetensors.open(weights, { mmap })
  await module.loadStateDict(await file.tensors())
  await toucher.call('touch', [[...(await module.stateDict()).values()]])
}

async function logitsOf(module) {
  await module.eval()
  return (await module.forward(image)).data()
}

const milliseconds = []
let logits
for (let i = 0; i < loads; i += 1) {
  await scope(async () => {
    const module = await Module.load(program, { device: 'meta' })
    const start = performance.now()
    await load(module)
    milliseconds.push(performance.now() - start)
    if (i === loads - 1) logits = await logitsOf(module)
  })
}
console.log(JSON.stringify({ milliseconds, correct: equalsGolden(logits, golden) }))
