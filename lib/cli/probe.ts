// Run by `doctor` in a process of its own: finds, opens and uses libtorch, loads sharp, and prints one JSON line per
// stage, so that a crash shows how far things went.
import { addonMinors } from '../core/addon-files.js'
import { boot } from '../core/native.js'
import { devices, libtorch, Module, Tensor, TorchError } from '../index.js'
import { loadSharp } from '../io/load-sharp.js'
import type { ProbeLine } from './probe-process.js'

function print(line: ProbeLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** A TorchScript module made from source text doubles three numbers. */
async function compute(device: string): Promise<void> {
  const module = await Module.fromSource('def forward(self, x):\n    return x + x\n')
  const onDevice = await Tensor.from(new Float32Array([1, 2, 4]), [3]).to({ device })
  const doubled = (await module.forward(onDevice)) as Tensor
  const numbers = [...(await doubled.data())].join(', ')
  if (numbers !== '2, 4, 8') throw new Error(`Expected 2, 4, 8 on ${device} but received ${numbers}`)
}

async function useLibtorch(): Promise<void> {
  print({ stage: 'addons', minors: addonMinors(), driver: boot().driver() ?? null })
  print({ stage: 'found', found: libtorch.find() })
  const start = performance.now()
  libtorch.boot()
  print({ stage: 'booted', info: libtorch.info(), devices: devices(), milliseconds: performance.now() - start })
  const computeStart = performance.now()
  for (const device of devices()) await compute(device)
  print({ stage: 'computed', milliseconds: performance.now() - computeStart })
}

for (const work of [useLibtorch, loadSharp]) {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof TorchError)) throw error
    print({ stage: 'failed', code: error.code, message: error.message, fix: String(error.details?.fix ?? '') })
  }
}
