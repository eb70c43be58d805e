import { describe, expect, test, vi } from 'vitest'
import { devices, memory, queueDepths } from '../../lib/core/device.js'
import { Generator } from '../../lib/core/generator.js'
import { Module } from '../../lib/core/module.js'
import { ops } from '../../lib/core/ops.js'
import { scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import { netArchive } from '../support/golden-modules.js'
import { expectNoLeaks } from '../support/handles.js'

expectNoLeaks()

const cpuBytes = () => memory().bytes.cpu ?? 0

describe('memory() counts', () => {
  test('handles by kind', async () => {
    const before = memory()
    const tensors = [Tensor.from([1]), await ops.ones([2])]
    const module = await Module.fromSource('def forward(self):\n    return 1\n')
    const generators = [new Generator(1), new Generator(2), new Generator(3)]
    expect(memory()).toMatchObject({
      tensors: before.tensors + 2,
      modules: before.modules + 1,
      generators: before.generators + 3,
    })
    for (const handle of [...tensors, module, ...generators]) handle.dispose()
    expect(memory()).toEqual(before)
  })

  test('the bytes of each storage once, however many views of it there are', async () => {
    const before = cpuBytes()
    const base = Tensor.from(new Float32Array(1000))
    const views = [await ops.view(base, [10, 100]), await ops.narrow(base, 0, 5, 1), base.alias()]
    expect(cpuBytes()).toBe(before + 4000)
    base.dispose()
    views[0]?.dispose()
    views[2]?.dispose()
    expect(cpuBytes()).toBe(before + 4000) // the whole storage, which the last view keeps
    views[1]?.dispose()
    expect(cpuBytes()).toBe(before)
  })

  test('the weights of modules, once for a module and its parameters', async () => {
    const before = cpuBytes()
    const module = await Module.load(netArchive)
    const weights = cpuBytes() - before
    const parameters = await module.parameters()
    const tensors = [...parameters.values(), ...(await module.buffers()).values()]
    const bytes = tensors.reduce((sum, { nbytes }) => sum + nbytes, 0)
    expect(weights).toBe(bytes)
    expect(cpuBytes()).toBe(before + bytes)
    await module.to({ dtype: 'float64' })
    expect(cpuBytes()).toBe(before + 2 * bytes - 8) // num_batches_tracked is an int64
    module.dispose()
    for (const tensor of tensors) tensor.dispose()
    await vi.waitFor(() => expect(cpuBytes()).toBe(before))
  })

  test('nothing after thousands of calls in scopes', async () => {
    const before = memory()
    const module = await Module.load(netArchive)
    for (let round = 0; round < 20; round++) {
      await scope(async () => {
        const x = await ops.ones([1, 2, 4, 4])
        await Promise.all(Array.from({ length: 50 }, () => module.forward(x)))
      })
    }
    module.dispose()
    await vi.waitFor(() => expect(memory()).toEqual(before))
  })

  test('results that failed calls never gave', async () => {
    const before = memory()
    const x = Tensor.from([1])
    const module = await Module.fromSource(
      'def forward(self, x):\n    y = [x + 1, x + 2]\n    assert False, "no"\n    return y\n',
    )
    for (let i = 0; i < 10; i++)
      await expect(module.forward(x)).rejects.toMatchObject({ message: 'AssertionError: no' })
    x.dispose()
    module.dispose()
    await vi.waitFor(() => expect(memory()).toEqual(before))
  })
})

test('the CPU is the first device', () => {
  expect(devices()[0]).toBe('cpu')
})

test('queueDepths() counts what waits and runs', async () => {
  const tensor = await ops.ones([400, 400])
  const pending = Array.from({ length: 20 }, () => ops.matmul(tensor, tensor))
  expect(queueDepths()['cpu:0']).toBeGreaterThan(10)
  for (const result of await Promise.all(pending)) result.dispose()
  await vi.waitFor(() => expect(queueDepths()['cpu:0']).toBe(0))
  tensor.dispose()
})
