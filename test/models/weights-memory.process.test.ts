// Weights exist once while a model is loaded: the peak of a process of its own.
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import type { DType } from '../../lib/core/dtype.js'
import { scope } from '../../lib/core/scope.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { ResNet } from '../../lib/models/index.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { runProgram } from '../support/program.js'
import { repositoryRoot } from '../support/source-files.js'

const models = pathToFileURL(join(repositoryRoot, 'dist', 'models', 'index.js')).href
const program = pathToFileURL(join(repositoryRoot, 'data', 'architectures', 'resnet50.pt')).href

/** Of ResNet50, random, in a precision; the bytes that it takes in float32. */
async function writeWeights(file: string, dtype: DType): Promise<number> {
  await scope(async () => {
    const model = await ResNet.load({ architecture: 'resnet50', random: 1 }, { optimize: 'none' })
    const state = [...(await model.stateDict())]
    const stored = state.map(
      async ([name, tensor]) => [name, tensor.dtype === 'float32' ? await tensor.to({ dtype }) : tensor] as const,
    )
    await writeSafetensors(file, new Map(await Promise.all(stored)))
  })
  return (statSync(file).size * 4) / { float16: 2, bfloat16: 2, float32: 4, float64: 8 }[dtype as 'float32']
}

test.each<[DType, number]>([
  ['float32', 1.15],
  ['float16', 1.15],
  ['bfloat16', 1.15],
  ['float64', 1.15],
])('loading ResNet50 in %s takes no more than %f times its weights in float32 at its peak', async (dtype, most) => {
  const folder = temporaryFolder()
  const weights = await writeWeights(join(folder, 'model.safetensors'), dtype)
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ architecture: 'resnet50', num_classes: 1000 }))
  const [measured] = (await runProgram(`
    import { readFileSync } from 'node:fs'
    const { ResNet } = await import(${JSON.stringify(models)})
    const peak = () => 1024 * Number(/VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
    const touched = (tensor) => scope(async () => (await ops.sum(tensor)).item())
    const weightless = await Module.load(new URL(${JSON.stringify(program)}), { device: 'meta' })
    await touched(Tensor.from([1]))
    const base = peak()
    const model = await ResNet.load(${JSON.stringify(folder)}, { optimize: 'none' })
    let count = 0
    for (const tensor of (await model.stateDict()).values()) {
      await touched(tensor)
      count++
    }
    print({ base, peak: peak(), count })
  `)) as { base: number; peak: number; count: number }[]
  const { base, peak, count } = measured as { base: number; peak: number; count: number }
  expect(count).toBe(320)
  expect(peak - base).toBeGreaterThan(0.5 * weights) // they were really read
  expect(peak - base).toBeLessThanOrEqual(most * weights)
})
