import { describe, expect, it } from 'vitest'
import { Module, ops, scope, Tensor } from '../../dist/index.js'

const archive = new URL('../golden/net.pt', import.meta.url)

describe('module.loadStateDict', () => {
  it('fills a module that was loaded on the meta device, without a copy', () =>
    scope(async () => {
      const full = await Module.load(archive)
      const empty = await Module.load(archive, { device: 'meta' })
      expect(empty.device).toBe('meta')
      await empty.loadStateDict(await full.stateDict())
      expect(empty.device).toBe('cpu')
      const [name, parameter] = [...(await empty.parameters())][0] ?? []
      await ops.zero_(parameter as Tensor)
      const shared = (await full.parameters()).get(name as string) as Tensor
      expect((await shared.data()).every((value) => Number(value) === 0)).toBe(true)
      expect(parameter?.requiresGrad).toBe(shared.requiresGrad)
    }))

  it('lists all that does not fit in one error, and changes nothing', () =>
    scope(async () => {
      const module = await Module.load(archive)
      const state = await module.stateDict()
      const [first = '', second = ''] = state.keys()
      const before = await (state.get(second) as Tensor).data()
      const others = new Map([...state].filter(([name]) => name !== first))
      others.set(second, Tensor.from(new Float32Array(1), [1, 1, 1, 1, 1]))
      others.set('surplus', Tensor.from(1))
      const refused = module.loadStateDict(others)
      await expect(refused).rejects.toMatchObject({ code: 'ERR_TORCH_STATE_DICT', operation: 'module.loadStateDict' })
      await expect(refused).rejects.toThrow(
        `missing: ${first}; unexpected: surplus; of another shape or type: ${second} (`,
      )
      const different = [
        expect.stringMatching(new RegExp(`^${second} \\(float32 \\[.*\\], not float32 \\[1, 1, 1, 1, 1\\]\\)$`)),
      ]
      await expect(refused).rejects.toMatchObject({ details: { missing: [first], unexpected: ['surplus'], different } })
      expect(await ((await module.stateDict()).get(second) as Tensor).data()).toEqual(before)
    }))

  it('has the first of many tensors that do not fit in its message, and all in the details', () =>
    scope(async () => {
      const one = Tensor.from([1])
      const module = await Module.load(archive)
      const names = [...(await module.stateDict()).keys()].sort()
      const others = Array.from({ length: 1000 }, (_, i) => `other.${String(i).padStart(3, '0')}`)
      const refused = module.loadStateDict(Object.fromEntries(others.map((name) => [name, one])))
      const few = 'other.000, other.001, other.002, other.003, other.004 and 995 more'
      await expect(refused).rejects.toThrow(new RegExp(`; missing: ${names[0]}, .*; unexpected: ${few}$`))
      await expect(refused).rejects.toMatchObject({ details: { missing: names, unexpected: others, different: [] } })
      const shapes = Object.fromEntries(names.map((name) => [name, Tensor.from(new Float32Array(7), [7, 1, 1])]))
      const reshaped = await module.loadStateDict(shapes).catch((error) => error)
      expect(reshaped.details).toMatchObject({ missing: [], unexpected: [] })
      expect(reshaped.details.different.map((text: string) => text.split(' ')[0])).toEqual(names)
      expect(reshaped.message).toContain(` and ${names.length - 5} more`)
    }))

  it('with strict: false takes what is there', () =>
    scope(async () => {
      const module = await Module.load(archive)
      const [name = '', tensor] = [...(await module.parameters())][0] ?? []
      const ones = await ops.onesLike(tensor as Tensor)
      await module.loadStateDict({ [name]: ones, surplus: ones }, { strict: false })
      const filled = await ((await module.parameters()).get(name) as Tensor).data()
      expect(filled.every((value) => Number(value) === 1)).toBe(true)
    }))

  it.each([undefined, null, 5, [], 'weights', { a: 5 }])('refuses %s', async (tensors) => {
    const module = await Module.fromSource('def forward(self, x):\n    return x\n')
    await expect(module.loadStateDict(tensors as never)).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
    module.dispose()
  })
})
