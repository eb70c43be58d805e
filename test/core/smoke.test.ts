// The whole path through one libtorch, quickly: run against every libtorch and Node major that is supported.
import { expect, test } from 'vitest'
import { libtorch, Module, memory, ops, scope, Tensor, TorchError } from '../../lib/index.js'

test('the addon fits the libtorch that was found', () => {
  const { version, minor, addon, threads } = libtorch.info()
  expect(addon.torch.startsWith(`${minor}.`)).toBe(true)
  expect(version.startsWith(`${minor}.`)).toBe(true)
  expect(threads).toBeGreaterThanOrEqual(1)
})

test('tensors, operators and modules compute, and everything is given back', async () => {
  const before = memory()
  const module = await Module.fromSource('def forward(self, x, factor: int):\n    return x * factor, [x.sum()]\n')
  await scope(async () => {
    const input = Tensor.from(new Float32Array([1, 2, 3, 4]), [2, 2])
    const product = await ops.matmul(input, input)
    expect([...(await product.data())]).toEqual([7, 10, 15, 22])
    const [scaled, [sum]] = (await module.forward(input, 3)) as [Tensor, [Tensor]]
    expect([...(await scaled.data())]).toEqual([3, 6, 9, 12])
    expect([...(await sum.data())]).toEqual([10])
    const convolved = await ops.conv2d(await ops.ones([1, 1, 3, 3]), await ops.ones([1, 1, 2, 2]))
    expect(convolved.shape).toEqual([1, 1, 2, 2])
    expect([...(await convolved.data())]).toEqual([4, 4, 4, 4])
  })
  module.dispose()
  const after = memory()
  expect({ tensors: after.tensors, modules: after.modules }).toEqual({
    tensors: before.tensors,
    modules: before.modules,
  })
})

test('what libtorch refuses is a typed error', async () => {
  const failure = await ops.matmul(await ops.ones([2, 3]), await ops.ones([2, 3])).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(TorchError)
  expect((failure as TorchError).message).toMatch(/mat1 and mat2/)
})

test('a module that was saved loads again', async () => {
  await scope(async () => {
    const module = await Module.fromSource('def forward(self, x):\n    return x * 2\n')
    const loaded = await Module.load(await module.toBytes({ extraFiles: { 'meta.json': '{}' } }))
    expect(loaded.extraFiles()).toEqual({ 'meta.json': '{}' })
    expect(await ((await loaded.forward(Tensor.from([3]))) as Tensor).toArray()).toEqual([6])
  })
})

/** By Winograd's algorithm with a sum and relu, by oneDNN with a sum, by oneDNN alone: operators that no header declares. */
test('a module that was optimized computes as before', async () => {
  await scope(async () => {
    const source = `
def forward(self, x):
    y = torch.relu(torch.conv2d(x, self.square, None, [1, 1], [1, 1]) + x)
    z = torch.conv2d(y, self.point) + y
    return torch.conv2d(z, self.strided, None, [2, 2], [1, 1])
`
    const [square, point, strided] = await Promise.all(
      [
        [16, 16, 3, 3],
        [16, 16, 1, 1],
        [8, 16, 3, 3],
      ].map((shape) => ops.randn(shape)),
    )
    const parameters = { square, point, strided } as Record<string, Tensor>
    const module = await (await Module.fromSource('def forward(self, x):\n    return x\n')).derive({
      source,
      parameters,
    })
    const optimized = await module.freeze({ channelsLast: true, optimize: true })
    const x = await ops.randn([2, 16, 11, 9])
    const [before, after] = (await Promise.all(
      [module, optimized].map(async (each) => ((await each.forward(x)) as Tensor).data()),
    )) as [Float32Array, Float32Array]
    const scale = Math.max(...before.map(Math.abs))
    expect(after.length).toBe(before.length)
    // Winograd's rounding: single convolutions lie within 2e-5 of the largest number.
    expect(Math.max(...after.map((number, i) => Math.abs(number - (before[i] ?? Number.NaN))))).toBeLessThan(
      2e-5 * scale,
    )
  })
})

test('dtypes convert, integers stay exact', async () => {
  await scope(async () => {
    const half = await Tensor.from([0.1]).to({ dtype: 'bfloat16' })
    expect([...(await half.data())]).toEqual([0x3dcd])
    expect(await Tensor.from([2n ** 53n + 1n]).toArray()).toEqual([2n ** 53n + 1n])
  })
})

test('float16 is a Float16Array from Node 24 on, before that its bits', async () => {
  await scope(async () => {
    const hasArray = Number(process.versions.node.split('.')[0]) >= 24
    const half = await (await Tensor.from([1, 0.1]).to({ dtype: 'float16' })).data()
    expect(half.constructor.name).toBe(hasArray ? 'Float16Array' : 'Uint16Array')
    expect([...half]).toEqual(hasArray ? [1, 0.0999755859375] : [0x3c00, 0x2e66])
    expect(Tensor.from(half).dtype).toBe(hasArray ? 'float16' : 'uint16')
    expect(await Tensor.from(half, { dtype: 'float16' }).toArray()).toEqual([1, 0.0999755859375])
  })
})
