import { describe, expect, test } from 'vitest'
import { Module } from '../../lib/core/module.js'
import { ops } from '../../lib/core/ops.js'
import type { Tensor } from '../../lib/core/tensor.js'
import { netArchive } from '../support/golden-modules.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'
import { forwardRun, inputOf } from '../support/net-golden.js'
import { expectGolden } from '../support/op-golden.js'

expectNoLeaks()

describe('many calls at once', () => {
  scopedTest('on one module give each its own result, in order', async () => {
    const module = await Module.fromSource('def forward(self, x, i: int):\n    return (x * i).sum()\n')
    const x = await ops.ones([10])
    const order: number[] = []
    const results = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const result = (await module.forward(x, i)) as Tensor
        order.push(i)
        return result.item()
      }),
    )
    expect(results).toEqual(Array.from({ length: 100 }, (_, i) => 10 * i))
    expect(order).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })

  scopedTest('change the state of a module one after the other', async () => {
    const module = await Module.load(netArchive)
    const scale = (await module.buffers()).get('scale') as Tensor
    const source = 'def add_one(self) -> float:\n    self.scale += 1.0\n    return float(self.scale)\n'
    await ops.zero_(scale)
    await module.define(source)
    const results = await Promise.all(Array.from({ length: 50 }, () => module.call('add_one')))
    expect(results).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
  })

  scopedTest('on modules of several lanes', async () => {
    const modules = await Promise.all([0, 1, 2, 3].map((lane) => Module.load(netArchive, { lane })))
    const x = inputOf(forwardRun)
    const results = await Promise.all(Array.from({ length: 40 }, (_, i) => (modules[i % 4] as Module).forward(x)))
    for (const result of results) await expectGolden(result, forwardRun.output)
  })

  test('end well when module and inputs are disposed meanwhile', async () => {
    const module = await Module.load(netArchive)
    const x = inputOf(forwardRun)
    const pending = Array.from({ length: 10 }, () => module.forward(x))
    module.dispose()
    x.dispose()
    for (const result of await Promise.all(pending)) {
      await expectGolden(result, forwardRun.output)
      ;(result as Tensor).dispose()
    }
  })
})
