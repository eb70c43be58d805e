import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { memory, queueDepths } from '../../lib/core/device.js'
import { Module } from '../../lib/core/module.js'
import { ops } from '../../lib/core/ops.js'
import { Tensor } from '../../lib/core/tensor.js'
import { netArchive, valuesArchive } from '../support/golden-modules.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { expectAsInPython, forwardRun, inputOf, net } from '../support/net-golden.js'
import { expectGolden } from '../support/op-golden.js'

expectNoLeaks()

describe('Module.load', () => {
  const bytes = readFileSync(netArchive)
  const sha256 = createHash('sha256').update(bytes).digest('hex')

  test.each<[string, string | URL | Uint8Array]>([
    ['a path', netArchive],
    ['a file: URL', pathToFileURL(netArchive)],
    ['a file: URL as text', pathToFileURL(netArchive).href],
    ['a Buffer', bytes],
    ['a Uint8Array within a larger buffer', Uint8Array.from([1, 2, 3, ...bytes, 4]).subarray(3, 3 + bytes.length)],
  ])(
    'takes %s',
    inScope(async (_, source) => {
      await expectAsInPython(await Module.load(source))
      await expectAsInPython(await Module.load(source, { sha256 }))
      await expectAsInPython(await Module.load(source, { sha256: sha256.toUpperCase(), device: 'cpu' }))
    }),
  )

  test('rejects bytes and files with another SHA-256', async () => {
    const wrong = 'ab'.repeat(32)
    for (const source of [netArchive, bytes]) {
      await expect(Module.load(source, { sha256: wrong })).rejects.toMatchObject({
        code: 'ERR_TORCH_MODULE_LOAD',
        message: `Expected an archive with the SHA-256 ${wrong} but received ${sha256}`,
        details: { sha256 },
      })
    }
    await expect(Module.load(netArchive, { sha256: 'ab' })).rejects.toMatchObject({
      code: 'ERR_TORCH_INVALID_ARGUMENT',
    })
  })

  scopedTest('takes the bytes as they are at the time of the call', async () => {
    for (const options of [undefined, { sha256 }]) {
      const overwritten = Uint8Array.from(bytes)
      const pending = Module.load(overwritten, options)
      overwritten.fill(0)
      const detached = Uint8Array.from(bytes)
      const second = Module.load(detached, options)
      structuredClone(detached.buffer, { transfer: [detached.buffer] })
      await expectAsInPython(await pending)
      await expectAsInPython(await second)
    }
  })

  scopedTest('converts floating point weights to a dtype', async () => {
    const module = await Module.load(netArchive, { dtype: 'float64' })
    const output = (await module.forward(await inputOf(forwardRun).to({ dtype: 'float64' }))) as Tensor
    expect(output.dtype).toBe('float64')
    expect((await module.buffers()).get('block.norm.num_batches_tracked')?.dtype).toBe('int64')
    await expectGolden(await output.to({ dtype: 'float32' }), forwardRun.output)
    await expect(Module.load(netArchive, { dtype: 'int8' })).rejects.toMatchObject({ code: 'ERR_TORCH_DTYPE' })
  })

  scopedTest('puts the module on its lane', async () => {
    const modules = await Promise.all([0, 1, 2].map((lane) => Module.load(netArchive, { lane })))
    expect(modules.map(({ lane }) => lane)).toEqual([0, 1, 2])
    await Promise.all(modules.map(expectAsInPython))
    expect(Object.keys(queueDepths())).toEqual(expect.arrayContaining(['cpu:0', 'cpu:1', 'cpu:2', 'io']))
  })

  test('stops for an AbortSignal with its reason', async () => {
    const reason = new Error('enough')
    for (const options of [{}, { sha256 }]) {
      const before = Module.load(netArchive, { ...options, signal: AbortSignal.abort(reason) })
      await expect(before).rejects.toBe(reason)
      const controller = new AbortController()
      const during = Module.load(netArchive, { ...options, signal: controller.signal })
      controller.abort(reason)
      await expect(during).rejects.toBe(reason)
    }
    await expect.poll(() => memory().modules).toBe(0)
  })

  scopedTest('gives what stands beside the program', async () => {
    const module = await Module.load(netArchive)
    expect(module.extraFiles()).toEqual(net.extraFiles)
    expect((await Module.load(valuesArchive)).extraFiles()).toEqual({})
    expect(module).toMatchObject({ device: 'cpu', lane: 0, training: false, disposed: false })
  })
})

describe('a module shows', () => {
  scopedTest('its parameters, buffers and submodules by the names of Python', async () => {
    const module = await Module.load(netArchive)
    const parameters = await module.parameters()
    expect([...parameters.keys()]).toEqual(net.parameters)
    expect([...(await module.buffers()).keys()]).toEqual(net.buffers)
    expect(await module.submodules()).toEqual(net.submodules)
    expect(parameters.get('head.1.weight')?.requiresGrad).toBe(true)
    await expectGolden(parameters.get('head.1.weight'), net.linear)
  })

  scopedTest('its methods with their schemas', async () => {
    const methods = (await Module.load(netArchive)).methods()
    expect(methods.map(({ name }) => name)).toEqual(['features', 'forward'])
    expect(methods[1]?.schema).toMatch(/^forward\(__torch__\S+Net self, Tensor x\) -> Tensor$/)
  })

  scopedTest('parameters that are shared with it', async () => {
    const module = await Module.load(netArchive)
    const x = inputOf(forwardRun)
    for (const parameter of (await module.parameters()).values()) await ops.zero_(parameter)
    expect(new Set(await ((await module.forward(x)) as Tensor).data('float32'))).toEqual(new Set([0]))
  })

  scopedTest('submodules that share its tensors and its lane, and outlive it', async () => {
    const module = await Module.load(netArchive, { lane: 3 })
    const linear = await module.submodule('head.1')
    expect([linear.lane, (await linear.submodules()).length]).toEqual([3, 0])
    const ones = await ops.ones([1, 3])
    await ops.fill_((await module.parameters()).get('head.1.weight') as Tensor, 2)
    await ops.zero_((await module.parameters()).get('head.1.bias') as Tensor)
    module.dispose()
    expect([...(await ((await linear.forward(ones)) as Tensor).data())]).toEqual([6, 6, 6, 6])
    await expect(linear.submodule('nothing')).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
    await expect(linear.submodule('')).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
  })

  test('nothing but that it is disposed once it is', async () => {
    const module = await Module.load(netArchive)
    module.dispose()
    module[Symbol.dispose]()
    expect(module.disposed).toBe(true)
    expect(() => module.methods()).toThrow(expect.objectContaining({ code: 'ERR_TORCH_DISPOSED' }))
    for (const use of [
      () => module.forward(),
      () => module.parameters(),
      () => module.freeze(),
      () => module.train(),
    ]) {
      await expect(use()).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED' })
    }
  })
})

describe.each([{ channelsLast: true }, { optimize: true }, { channelsLast: true, optimize: true }])(
  'freeze(%j)',
  (options) => {
    test.each([
      ['a view of a feature map', 'torch.conv2d(x, self.w, None, [1, 1], [1, 1]).view(x.size(0), -1)'],
      ['a view of a sum', '(x + torch.conv2d(x, self.w, None, [1, 1], [1, 1])).relu().view(x.size(0), -1)'],
      ['a view of one channel', 'torch.cat([torch.conv2d(x, self.w[:1])] * 2, 1).view(x.size(0), -1)'],
      ["padding 'same'", "torch.conv2d(x, self.w, None, [1, 1], 'same')"],
    ])(
      'computes %s as before',
      inScope(async (_: string, result: string) => {
        const plain = await (await Module.fromSource('def nop(self, x):\n  return x\n')).derive({
          buffers: { w: await ops.randn([8, 8, 3, 3]) },
          source: `def forward(self, x):\n  return ${result}\n`,
        })
        const frozen = await plain.freeze(options)
        const x = await ops.randn([2, 8, 6, 5])
        const [wanted, got] = await Promise.all([plain.forward<Tensor>(x), frozen.forward<Tensor>(x)])
        expect(got.shape).toEqual(wanted.shape)
        expect(await ops.allclose(got, wanted, { rtol: 1e-4, atol: 1e-4 })).toBe(true)
      }),
    )
  },
)

describe('Module.fromSource and define', () => {
  scopedTest('compile TorchScript', async () => {
    const module = await Module.fromSource('def forward(self, x, n: int = 2):\n    return x * n\n')
    expect(await ((await module.forward(Tensor.from([3]))) as Tensor).toArray()).toEqual([6])
    await module.define('def twice(self, x):\n    return self.forward(self.forward(x))\n')
    expect(module.methods().map(({ name }) => name)).toEqual(['forward', 'twice'])
    expect(await ((await module.call('twice', [Tensor.from([3])])) as Tensor).toArray()).toEqual([12])
    expect((await Module.fromSource('def forward(self):\n    return 1\n', { lane: 2 })).lane).toBe(2)
  })

  scopedTest('reach the submodules of a loaded module', async () => {
    const module = await Module.load(netArchive)
    await module.define('def head_only(self, x):\n    return self.head.forward(x)\n')
    expect(((await module.call('head_only', [await ops.ones([2, 3])])) as Tensor).shape).toEqual([2, 4])
  })

  scopedTest('reject what does not compile, and keep the module as it was', async () => {
    const code = 'ERR_TORCH_MODULE_LOAD'
    for (const source of [
      '',
      '# nothing',
      'def',
      'def f(x):\n    return y\n',
      'x = 1',
      'def forward(self):\n  return 1 +\n',
      '\0',
    ]) {
      await expect(Module.fromSource(source)).rejects.toMatchObject({ code, operation: 'Module.fromSource' })
    }
    const module = await Module.fromSource('def forward(self, x):\n    return x\n')
    await expect(module.define('def wrong(self):\n    return nothing\n')).rejects.toMatchObject({ code })
    expect(await module.forward(Tensor.from(1))).toBeInstanceOf(Tensor)
  })
})
