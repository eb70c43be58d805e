// Weights exist once while a model is loaded: the peak of a process of its own.
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { scope } from '../../lib/core/scope.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { ResNet } from '../../lib/models/index.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { runProgram } from '../support/program.js'
import { repositoryRoot } from '../support/source-files.js'

const models = pathToFileURL(join(repositoryRoot, 'dist', 'models', 'index.js')).href
const program = pathToFileURL(join(repositoryRoot, 'data', 'architectures', 'resnet50.pt')).href

test('loading ResNet50 takes no more than 1.15 times its weights at its peak', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'model.safetensors')
  await scope(async () => {
    const model = await ResNet.load({ architecture: 'resnet50', random: 1 }, { optimize: 'none' })
    await writeSafetensors(file, await model.stateDict())
  })
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
  const weights = statSync(file).size
  expect(count).toBe(320)
  expect(peak - base).toBeGreaterThan(0.5 * weights) // they were really read
  expect(peak - base).toBeLessThanOrEqual(1.15 * weights)
})
