import { describe, expect, test } from 'vitest'
import type { NativeTensor } from '../../binding.js'
import { Module } from '../../lib/core/module.js'
import { inStateOrder } from '../../lib/core/named-tensors.js'
import { Tensor } from '../../lib/core/tensor.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'

expectNoLeaks()

const forward = 'def forward(self, x):\n    return x\n'
const one = () => Tensor.from([1])

async function moduleOf(
  parameters: readonly string[],
  buffers: readonly string[],
  modules: Record<string, Module> = {},
): Promise<Module> {
  const empty = await Module.fromSource(forward)
  const named = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, one()]))
  return empty.derive({ parameters: named(parameters), buffers: named(buffers), modules })
}

const keys = async (module: Module) => [...(await module.stateDict()).keys()]

describe('module.stateDict', () => {
  scopedTest('gives own parameters, own buffers and then the submodules, as PyTorch does', async () => {
    const inner = await moduleOf(['weight', 'bias'], ['mean'])
    const buffersOnly = await moduleOf([], ['table', 'count'])
    const outer = await moduleOf(['scale'], ['offset'], { z: inner, a: buffersOnly, empty: await moduleOf([], []) })
    const root = await moduleOf([], ['step'], { outer, last: inner })
    expect(await keys(root)).toEqual([
      ...['step', 'outer.scale', 'outer.offset', 'outer.z.weight', 'outer.z.bias', 'outer.z.mean'],
      ...['outer.a.table', 'outer.a.count', 'last.weight', 'last.bias', 'last.mean'],
    ])
  })

  scopedTest('is had though the module is disposed at once, and not later', async () => {
    const module = await moduleOf(['weight'], ['mean'])
    const state = module.stateDict()
    module.dispose()
    expect([...(await state).keys()]).toEqual(['weight', 'mean'])
    await expect(module.stateDict()).rejects.toMatchObject({
      ...{ code: 'ERR_TORCH_DISPOSED', operation: 'module.stateDict' },
    })
  })

  scopedTest('is given up with the reason', async () => {
    const module = await moduleOf(['weight'], ['mean'])
    await expect(module.stateDict({ signal: AbortSignal.abort('no') })).rejects.toBe('no')
    const controller = new AbortController()
    const state = module.stateDict({ signal: controller.signal })
    controller.abort('enough')
    await expect(state).rejects.toBe('enough')
    expect(await keys(module)).toEqual(['weight', 'mean'])
  })
})

test('names of modules that are not told come last, in the order that they had', () => {
  const pairs = ['x.b', 'b', 'a.w', 'x.a'].map((name): [string, NativeTensor] => [name, {} as NativeTensor])
  expect(inStateOrder(pairs, ['a']).map(([name]) => name)).toEqual(['b', 'a.w', 'x.b', 'x.a'])
})
