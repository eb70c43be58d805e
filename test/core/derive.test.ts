// Modules made of others and looked into: derive, defineLayerOutputs, callLayers, setTrainable.
import { describe, expect, test } from 'vitest'
import { Module, type ModuleChanges } from '../../lib/core/module.js'
import { operators } from '../../lib/core/operators.js'
import { scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'

expectNoLeaks()

const numbers = async (tensor: unknown) => Array.from(await (tensor as Tensor).data(), Number)
const x = () => Tensor.from([1, -2, 3])

const source = `
def scaled(self, x):
    return x * self.weight

def forward(self, x):
    return self.scaled(x) + self.offset
`

/** weight and offset, [3] each. */
async function base(): Promise<Module> {
  const empty = await Module.fromSource('def forward(self, x):\n    return x\n')
  const parameters = { weight: Tensor.from([2, 3, 4]) }
  return empty.derive({ source, parameters, buffers: { offset: Tensor.from([1, 1, 1]) } })
}

describe('module.derive', () => {
  scopedTest('adds methods, parameters and buffers to source', async () => {
    const module = await base()
    expect(await numbers(await module.forward(x()))).toEqual([3, -5, 13])
    expect([...(await module.parameters()).keys()]).toEqual(['weight'])
    expect([...(await module.buffers()).keys()]).toEqual(['offset'])
    expect((await module.parameters()).get('weight')?.requiresGrad).toBe(true)
    expect((await module.buffers()).get('offset')?.requiresGrad).toBe(false)
  })

  scopedTest('shares tensors, and neither mode, methods nor gradients', async () => {
    const module = await base()
    const copy = await module.derive()
    await operators.zero_((await copy.parameters()).get('weight') as Tensor)
    expect(await numbers(await module.forward(x()))).toEqual([1, 1, 1])
    await copy.train()
    await copy.setTrainable(false, { parameters: ['weight'] })
    await copy.define('def other(self, x):\n    return x\n')
    expect([module.training, copy.training]).toEqual([false, true])
    expect((await module.parameters()).get('weight')?.requiresGrad).toBe(true)
    expect((await copy.parameters()).get('weight')?.requiresGrad).toBe(false)
    expect(module.methods().map(({ name }) => name)).toEqual(['forward', 'scaled'])
    expect(copy.methods().map(({ name }) => name)).toEqual(['forward', 'other', 'scaled'])
  })

  scopedTest('replaces a method, and kept methods call the new one', async () => {
    const module = await base()
    const doubled = await module.derive({ source: 'def scaled(self, x):\n    return x * 2' })
    expect(await numbers(await doubled.forward(x()))).toEqual([3, -3, 7])
    expect(await numbers(await module.forward(x()))).toEqual([3, -5, 13])
  })

  scopedTest('leaves out the methods that use what is removed, and those that call them', async () => {
    const module = await base()
    const without = await module.derive({
      remove: ['weight'],
      source: 'def other(self, x):\n    return x + self.offset\n',
    })
    expect(without.methods().map(({ name }) => name)).toEqual(['other'])
    expect([...(await without.stateDict()).keys()]).toEqual(['offset'])
    expect(await numbers(await without.call('other', [x()]))).toEqual([2, -1, 4])
  })

  scopedTest('puts a module in the place of another, with its own type', async () => {
    const inner = await base()
    const empty = await Module.fromSource('def forward(self, x):\n    return x\n')
    const outer = await empty.derive({
      modules: { inner },
      source: 'def forward(self, x):\n    return -self.inner.forward(x)\n\ndef plain(self, x):\n    return x\n',
    })
    expect(await numbers(await outer.forward(x()))).toEqual([-3, 5, -13])
    expect([...(await outer.stateDict()).keys()]).toEqual(['inner.weight', 'inner.offset'])
    const other = await outer.derive({ modules: { inner: empty } })
    expect(other.methods().map(({ name }) => name)).toEqual(['plain']) // forward was compiled for the other type
    const whole = await outer.derive({
      modules: { inner: empty },
      source: 'def forward(self, x):\n    return -self.inner.forward(x)\n',
    })
    expect(await numbers(await whole.forward(x()))).toEqual([-1, 2, -3])
  })

  scopedTest('makes what is saved, loaded and frozen like any module', async () => {
    const inner = await base()
    const empty = await Module.fromSource('def forward(self, x):\n    return x\n')
    const changes = {
      modules: { one: inner, two: inner },
      source: 'def forward(self, x):\n    return self.two.forward(self.one.forward(x))\n',
    }
    const outer = await empty.derive(changes)
    const expected = await numbers(await outer.forward(x()))
    const again = await Module.load(await outer.toBytes())
    expect(await numbers(await again.forward(x()))).toEqual(expected)
    expect(await numbers(await (await outer.freeze()).forward(x()))).toEqual(expected)
    // Two places of one module are one module.
    await operators.zero_((await outer.parameters()).get('one.weight') as Tensor)
    expect(await numbers((await outer.stateDict()).get('two.weight'))).toEqual([0, 0, 0])
  })

  scopedTest('brings given modules into its own mode, but for what stays in evaluation mode', async () => {
    const plain = await Module.fromSource('def forward(self, x):\n    return x\n')
    const pair = async () => plain.derive({ modules: { free: plain, pinned: await plain.derive() } })
    const inner = await pair()
    await inner.setTrainable(false, { submodules: ['pinned'] })
    const outer = await plain.derive({ modules: { old: await pair() } })
    await outer.setTrainable(false, { submodules: ['old.pinned'] })
    const modes = async (module: Module) => {
      const parts = await Promise.all((await module.submodules()).map((name) => module.submodule(name)))
      return [module, ...parts].map(({ training }) => training)
    }
    await outer.train()
    expect(await modes(outer)).toEqual([true, true, true, false])
    const added = await outer.derive({ modules: { added: inner } })
    expect(await modes(added)).toEqual([true, true, true, false, true, true, false])
    expect(await modes(inner)).toEqual([false, false, false])
    // What was pinned has gone with the part that it was of.
    const replaced = await outer.derive({ modules: { old: await pair() } })
    expect(await modes(replaced)).toEqual([true, true, true, true])
    await replaced.eval()
    await replaced.train()
    expect(await modes(replaced)).toEqual([true, true, true, true])
    await inner.train()
    expect(await modes(await plain.derive({ modules: { inner } }))).toEqual([false, false, false, false])
    // A part that is kept in evaluation mode as a whole.
    await inner.setTrainable(false, { submodules: [''] })
    expect(await modes(await outer.derive({ modules: { inner }, remove: ['old'] }))).toEqual([
      true,
      false,
      false,
      false,
    ])
  })

  scopedTest('works while the base runs and after it is disposed', async () => {
    const module = await base()
    const running = module.forward(x())
    const deriving = module.derive()
    module.dispose()
    expect(await numbers(await running)).toEqual([3, -5, 13])
    expect(await numbers(await (await deriving).forward(x()))).toEqual([3, -5, 13])
  })

  test.each<[string, string, (module: Module) => ModuleChanges | Promise<ModuleChanges>]>([
    ['ERR_TORCH_MODULE_LOAD', 'scaled', () => ({ source: 'def scaled(self, x):\n    return [x]\n' })],
    ['ERR_TORCH_MODULE_LOAD', 'scaled', () => ({ source: 'def scaled(self, x, y):\n    return x\n' })],
    ['ERR_TORCH_MODULE_LOAD', '', () => ({ source: 'def scaled(self' })],
    ['ERR_TORCH_MODULE_LOAD', 'unknown', () => ({ source: 'def other(self, x):\n    return unknown(x)\n' })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'source', () => ({ source: 5 as never })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'modules', () => ({ modules: [] as never })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'Module', () => ({ modules: { part: x() as never } })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'Tensor', () => ({ parameters: { part: 5 as never } })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'each name once', (module) => ({ modules: { a: module }, buffers: { a: x() } })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'letters', () => ({ parameters: { 'a.b': x() } })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'names', () => ({ remove: ['a.b'] })],
    ['ERR_TORCH_UNKNOWN_OPTION', 'did you mean remove', () => ({ removed: [] }) as never],
    [
      'ERR_TORCH_INVALID_ARGUMENT',
      'the same device and lane',
      async () => ({
        modules: { part: await Module.fromSource('def forward(self, x):\n    return x\n', { lane: 3 }) },
      }),
    ],
  ])(
    'refuses, %s: %s',
    inScope(async (code, text, changes) => {
      const module = await base()
      const deriving = module.derive(await changes(module))
      await expect(deriving).rejects.toMatchObject({ code, message: expect.stringContaining(text) })
      expect(await numbers(await module.forward(x()))).toEqual([3, -5, 13])
    }),
  )
})

/** outer.a and outer.b.c, of which b.c works in place; d is called under a condition only. */
async function nested(): Promise<Module> {
  const plain = await Module.fromSource('def forward(self, x):\n    return x\n')
  const doubling = await plain.derive({ source: 'def forward(self, x):\n    return x * 2\n' })
  const negating = await plain.derive({ source: 'def forward(self, x):\n    return x.neg_()\n' })
  const b = await plain.derive({
    modules: { c: negating },
    source: 'def forward(self, x):\n    return self.c.forward(x) + 1\n',
  })
  const listing = await plain.derive({ source: 'def forward(self, x):\n    return [x]\n' })
  return plain.derive({
    modules: { a: doubling, b, d: plain, e: listing },
    source: `
def forward(self, x, again: bool = False):
    y = self.b.forward(self.a.forward(x))
    if again:
        y = self.d.forward(y)
    return y + self.e.forward(y)[0]
`,
  })
}

describe('module.defineLayerOutputs', () => {
  scopedTest(
    'gives layers at any depth, in the order asked for, as they were before anything overwrote them',
    async () => {
      const module = await nested()
      await module.defineLayerOutputs('taps', ['b.c', 'a', 'b'])
      const outputs = (await module.call('taps', [x()])) as Tensor[]
      expect(await Promise.all(outputs.map(numbers))).toEqual([
        [-2, 4, -6],
        [2, -4, 6],
        [-1, 5, -5],
      ])
      expect(await numbers(await module.forward(x()))).toEqual([-2, 10, -10])
      const again = await Module.load(await module.toBytes())
      expect(await Promise.all(((await again.call('taps', [x()])) as Tensor[]).map(numbers))).toHaveLength(3)
    },
  )

  test.each([
    [['d'], 'always runs'],
    [['nowhere'], 'always runs'],
    [['a', 'b.x'], 'always runs'],
    [['e'], 'gives a tensor'],
  ])(
    'refuses %j',
    inScope(async (layers: string[], text: string) => {
      const module = await nested()
      await expect(module.defineLayerOutputs('taps', layers)).rejects.toMatchObject({
        code: 'ERR_TORCH_INVALID_ARGUMENT',
        message: expect.stringContaining(text),
      })
      expect(module.methods().map(({ name }) => name)).toEqual(['forward'])
    }),
  )
})

describe('module.callLayers', () => {
  scopedTest('gives layers as a method for them would, and adds none', async () => {
    const module = await nested()
    const archive = await module.toBytes()
    const lists = [['b.c', 'a', 'b'], ['a'], ['b.c', 'a', 'b'], ['a', 'a'], []]
    const outputs = await Promise.all(lists.map((layers) => module.callLayers(layers, [x(), true])))
    expect(await Promise.all(outputs.map((tensors) => Promise.all(tensors.map(numbers))))).toEqual([
      [
        [-2, 4, -6],
        [2, -4, 6],
        [-1, 5, -5],
      ],
      [[2, -4, 6]],
      [
        [-2, 4, -6],
        [2, -4, 6],
        [-1, 5, -5],
      ],
      [
        [2, -4, 6],
        [2, -4, 6],
      ],
      [],
    ])
    expect(module.methods().map(({ name }) => name)).toEqual(['forward'])
    expect(Buffer.compare(await module.toBytes(), archive)).toBe(0)
  })

  scopedTest('remembers more lists than it is asked for in turn, and makes forgotten ones anew', async () => {
    const module = await nested()
    const layers = ['a', 'b', 'b.c']
    for (let count = 1; count < 30; count++) {
      const list = Array.from({ length: count }, (_, i) => layers[i % 3] as string)
      expect(await module.callLayers(list, [x()])).toHaveLength(count)
    }
    expect(await numbers((await module.callLayers(['a'], [x()]))[0])).toEqual([2, -4, 6])
  })

  scopedTest('gives gradients where they are asked for', async () => {
    const module = await base()
    const empty = await Module.fromSource('def forward(self, x):\n    return x\n')
    const outer = await empty.derive({
      modules: { inner: module },
      source: 'def forward(self, x):\n    return self.inner.forward(x) * 2\n',
    })
    const [output] = await outer.callLayers(['inner'], [x()], { gradMode: 'enabled' })
    expect([output?.requiresGrad, await numbers(output)]).toEqual([true, [3, -5, 13]])
    const fresh = await outer.derive()
    expect((await fresh.callLayers(['inner'], [x()]))[0]?.requiresGrad).toBe(false)
  })

  test.each([
    [['d'], 'always runs'],
    [['nowhere'], 'always runs'],
    [['e'], 'gives a tensor'],
    ['a', 'an array of names'],
    [[1], 'an array of names'],
  ])(
    'refuses %j',
    inScope(async (layers: unknown, text: string) => {
      const module = await nested()
      const refusal = { code: 'ERR_TORCH_INVALID_ARGUMENT', message: expect.stringContaining(text) }
      for (let time = 0; time < 2; time++) {
        await expect(module.callLayers(layers as string[], [x()])).rejects.toMatchObject(refusal)
      }
      await expect(module.callLayers(['a'], [])).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
      await expect(module.callLayers(['a'], [x()], { grad: true } as never)).rejects.toMatchObject({
        code: 'ERR_TORCH_UNKNOWN_OPTION',
      })
      expect(await module.callLayers(['a'], [x()])).toHaveLength(1)
    }),
  )
})

describe('module.setTrainable', () => {
  const norm = `
def forward(self, x):
    return torch.batch_norm(x, None, None, self.running_mean, self.running_var, self.training, 0.5, 1e-5, False)
`
  const withNorms = () =>
    scope(async () => {
      const plain = await Module.fromSource('def forward(self, x):\n    return x\n')
      const statistics = () => ({ running_mean: Tensor.from([0]), running_var: Tensor.from([1]) })
      const [first, second] = await Promise.all([
        plain.derive({ source: norm, buffers: statistics() }),
        plain.derive({ source: norm, buffers: statistics() }),
      ])
      return plain.derive({
        modules: { first, second },
        source: 'def forward(self, x):\n    return self.second.forward(self.first.forward(x))\n',
      })
    })
  const batch = () => Tensor.from([1, 3, 5, 7], [4, 1])

  scopedTest('keeps submodules in evaluation mode, in modules derived from it too, until they are let go', async () => {
    const module = await withNorms()
    await module.setTrainable(false, { submodules: ['first'] })
    const copy = await module.derive()
    for (const own of [module, copy]) {
      await own.train()
      expect([own.training, (await own.submodule('first')).training, (await own.submodule('second')).training]).toEqual(
        [true, false, true],
      )
    }
    await copy.forward(batch())
    const buffers = await copy.buffers()
    expect(await numbers(buffers.get('first.running_mean'))).toEqual([0])
    expect((await numbers(buffers.get('second.running_mean')))[0]).toBeCloseTo(2, 4)
    await module.setTrainable(true, { submodules: ['first'] })
    expect((await module.submodule('first')).training).toBe(true)
  })

  scopedTest('refuses what is no parameter, and changes nothing', async () => {
    const module = await base()
    for (const name of ['offset', 'nothing', '']) {
      await expect(module.setTrainable(false, { parameters: ['weight', name] })).rejects.toMatchObject({
        code: 'ERR_TORCH_INVALID_ARGUMENT',
      })
    }
    expect((await module.parameters()).get('weight')?.requiresGrad).toBe(true)
  })
})
