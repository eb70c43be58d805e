// What is remembered for lists of layers is bounded: the memory of a process of its own.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram } from '../support/program.js'
import { repositoryRoot } from '../support/source-files.js'

const models = pathToFileURL(join(repositoryRoot, 'dist', 'models', 'index.js')).href

test('two hundred lists of layers take no more memory than a few, and the first is as right as before', async () => {
  const [measured] = (await runProgram(`
    import { readFileSync } from 'node:fs'
    const { ResNet } = await import(${JSON.stringify(models)})
    const resident = () => 1024 * Number(/VmRSS:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
    const model = await ResNet.load({ architecture: 'resnet18', random: 1 }, { optimize: 'none' })
    const x = await ops.ones([1, 3, 32, 32])
    const names = ['conv1', 'bn1', 'layer1.0.conv1', 'layer1']
    const nodesOf = (list) => [...list.toString(4)].map((digit) => names[digit])
    const sums = (list) => scope(async () => {
      const maps = await model.features(x, { nodes: nodesOf(list) })
      return Promise.all(maps.map(async (map) => (await ops.sum(map)).item()))
    })
    const first = await sums(27)
    const ask = async (from, to) => {
      for (let list = from; list < to; list++) for (let run = 0; run < 2; run++) await sums(list)
    }
    await ask(0, 40)
    const before = resident()
    await ask(40, 240)
    print({ grown: resident() - before, first, again: await sums(27) })
  `)) as { grown: number; first: number[]; again: number[] }[]
  expect(measured?.first).toHaveLength(3)
  expect(measured?.again).toEqual(measured?.first)
  // TorchScript takes half a megabyte for each of these lists: more than 100 MB if all were kept.
  expect(measured?.grown).toBeLessThan(40 * 1024 * 1024)
})
