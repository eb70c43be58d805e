import { describe, expect, test } from 'vitest'
import { memory } from '../../lib/core/device.js'
import { Module } from '../../lib/core/module.js'
import { ops } from '../../lib/core/ops.js'
import { keep, scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import type { TensorData } from '../../lib/core/tensor-data.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'

expectNoLeaks()

const rows = [
  [1, 2],
  [3, 4],
]

describe('Tensor.from reads', () => {
  test.each<[string, TensorData, string, number[], unknown]>([
    ['a number as a float32 scalar', 1.5, 'float32', [], 1.5],
    ['a bigint as an int64 scalar', -(2n ** 63n), 'int64', [], -(2n ** 63n)],
    ['a boolean as a bool scalar', true, 'bool', [], true],
    [
      'nested numbers by their nesting',
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      'float32',
      [2, 3],
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ],
    ['nested bigints', [[2n ** 53n + 1n]], 'int64', [1, 1], [[2n ** 53n + 1n]]],
    ['nested booleans', [[true], [false]], 'bool', [2, 1], [[true], [false]]],
    ['an empty array', [], 'float32', [0], []],
    ['empty rows', [[], []], 'float32', [2, 0], [[], []]],
    ['NaN and the infinities', [Number.NaN, Infinity, -Infinity], 'float32', [3], [Number.NaN, Infinity, -Infinity]],
    ['a negative zero', [-0], 'float32', [1], [-0]],
    ['a number rounded to float32', 0.1, 'float32', [], Math.fround(0.1)],
    ['a Uint8ClampedArray', Uint8ClampedArray.of(1, 255), 'uint8', [2], [1, 255]],
    ['a Buffer', Buffer.from([7, 8]), 'uint8', [2], [7, 8]],
    ['a view into a larger buffer', new Float64Array([1, 2, 3, 4]).subarray(1, 3), 'float64', [2], [2, 3]],
    ['rows in typed arrays', [Float32Array.of(1, 2), Float32Array.of(3, 4)], 'float32', [2, 2], rows],
    ['nested rows', [[Float32Array.of(1, 2), Float32Array.of(3, 4)]], 'float32', [1, 2, 2], [rows]],
    ['rows in views into larger buffers', [Int16Array.of(9, 7).subarray(1)], 'int16', [1, 1], [[7]]],
    ['a SharedArrayBuffer', new Int32Array(new SharedArrayBuffer(8)).fill(5), 'int32', [2], [5, 5]],
  ])(
    '%s',
    inScope(async (_, data, dtype, shape, values) => {
      const tensor = Tensor.from(data)
      expect({ dtype: tensor.dtype, shape: tensor.shape }).toEqual({ dtype, shape })
      expect(await tensor.toArray()).toEqual(values)
    }),
  )

  scopedTest('a shape beside the data', async () => {
    expect(await Tensor.from([1, 2, 3, 4], [2, 2]).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ])
    expect(await Tensor.from(Int8Array.of(1), []).item()).toBe(1)
    expect(Tensor.from(new Float32Array(0), [3, 0, 2 ** 40]).shape).toEqual([3, 0, 2 ** 40])
  })

  scopedTest('options in the place of the shape', async () => {
    expect(await Tensor.from([[1], [2]], { dtype: 'int64' }).toArray()).toEqual([[1n], [2n]])
    expect(Tensor.from([Uint8Array.of(2)], { dtype: 'bool' }).dtype).toBe('bool')
    expect(() => Tensor.from([1], { dtype: 'int64', shape: [1] } as object)).toThrow("but received 'shape'")
  })

  scopedTest('rows of one kind and length only', () => {
    const row = Float32Array.of(1, 2)
    for (const [data, code, message] of [
      [[row, [1, 2]], 'ERR_TORCH_SHAPE', 'Expected nested arrays of equal lengths [2] but received a deeper one'],
      [[row, 1], 'ERR_TORCH_INVALID_ARGUMENT', 'Expected typed arrays of float32 in every place for data'],
      [[row, Float64Array.of(1)], 'ERR_TORCH_INVALID_ARGUMENT', 'Expected typed arrays of float32 in every place'],
      [[row, Float32Array.of(1)], 'ERR_TORCH_SHAPE', 'Expected typed arrays of 8 bytes each but received 4'],
      [[1, row], 'ERR_TORCH_INVALID_ARGUMENT', 'Expected numbers, bigints or booleans in every place for data'],
    ] as const) {
      const call = () => Tensor.from(data as unknown as TensorData)
      expect(call).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }))
    }
  })

  scopedTest('integers exactly, and refuses those that the dtype cannot hold', async () => {
    expect(await Tensor.from([255, 0n, true] as number[], undefined, { dtype: 'uint8' }).toArray()).toEqual([255, 0, 1])
    expect(await Tensor.from(2n ** 64n - 1n, [], { dtype: 'uint64' }).item()).toBe(2n ** 64n - 1n)
    for (const [value, dtype] of [
      [256, 'uint8'],
      [-1, 'uint32'],
      [1.5, 'int32'],
    ] as const) {
      expect(() => Tensor.from(value, [], { dtype })).toThrow(`Expected integers that ${dtype} can hold for data`)
    }
  })

  scopedTest('integers beyond 2^53 as bigints only: a number has been rounded', async () => {
    for (const dtype of ['int64', 'uint64'] as const) {
      const exact = Tensor.from([2 ** 53 - 1, 2n ** 53n + 1n] as number[], { dtype })
      expect(await exact.toArray()).toEqual([2n ** 53n - 1n, 2n ** 53n + 1n])
      for (const value of [2 ** 53, 2 ** 60, 2n ** 64n, 0.5]) {
        const message = `Expected integers that ${dtype} can hold (beyond 2^53 bigints) for data but received ${value}`
        expect(() => Tensor.from([value] as number[], [1], { dtype })).toThrow(message)
      }
    }
  })

  scopedTest('the bytes of a bool as 0 and 1, whatever they were', async () => {
    const tensor = Tensor.from(Uint8Array.of(0, 1, 2, 255), undefined, { dtype: 'bool' })
    expect([...(await tensor.data())]).toEqual([0, 1, 1, 1])
    expect(await (await ops.sum(tensor)).item()).toBe(3n)
  })

  scopedTest('the data as it is at the time of the call', async () => {
    for (const buffer of [new ArrayBuffer(400_000), new SharedArrayBuffer(400_000)]) {
      const data = new Float32Array(buffer).fill(1)
      const tensor = Tensor.from(data)
      data.fill(2)
      if (buffer instanceof ArrayBuffer) structuredClone(buffer, { transfer: [buffer] })
      const copy = await tensor.data('float32')
      expect(copy.length).toBe(100_000)
      expect(new Set(copy)).toEqual(new Set([1]))
    }
  })
})

describe('a tensor knows', () => {
  scopedTest('its shape, strides, dtype, device, size and bytes', async () => {
    const tensor = await ops.transpose(Tensor.from(new Int16Array(6), [2, 3]), 0, 1)
    expect(tensor).toMatchObject({
      shape: [3, 2],
      strides: [1, 3],
      dtype: 'int16',
      device: 'cpu',
      numel: 6,
      nbytes: 12,
    })
    expect(tensor).toMatchObject({ requiresGrad: false, disposed: false })
    const scalar = Tensor.from(1)
    expect(scalar).toMatchObject({ shape: [], strides: [], numel: 1, nbytes: 4 })
    expect(Tensor.from([], [2, 0])).toMatchObject({ numel: 0, nbytes: 0 })
  })

  scopedTest('a shape that callers cannot change', () => {
    const tensor = Tensor.from([1, 2])
    expect(() => (tensor.shape as number[]).push(1)).toThrow(TypeError)
    expect(tensor.shape).toBe(tensor.shape)
  })

  test('nothing but that it is disposed once it is', async () => {
    const tensor = Tensor.from([1, 2])
    tensor.dispose()
    tensor.dispose()
    expect(tensor.disposed).toBe(true)
    for (const use of [() => tensor.data(), () => tensor.item(), () => tensor.toArray(), () => tensor.to({})]) {
      await expect(use()).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED' })
    }
    await expect(ops.neg(tensor)).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED', operation: 'ops.neg' })
    for (const use of [() => tensor.alias(), () => tensor.shape, () => tensor.dtype, () => tensor.nbytes]) {
      expect(use).toThrow(expect.objectContaining({ code: 'ERR_TORCH_DISPOSED' }))
    }
  })

  test('that it is disposed even when its native object serves another tensor', async () => {
    const first = Tensor.from([1])
    await first.data()
    first.dispose()
    const others = await Promise.all(Array.from({ length: 10 }, () => ops.ones([3])))
    expect(first.disposed).toBe(true)
    await expect(first.data()).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED' })
    first.dispose()
    for (const other of others) {
      expect([...(await other.data())]).toEqual([1, 1, 1])
      other.dispose()
    }
  })
})

scopedTest('error messages say what a tensor is, also in an array', async () => {
  const tensor = Tensor.from([[1, 2]])
  const gone = Tensor.from([1])
  gone.dispose()
  const message = 'Expected a typed array, a number, bigint or boolean, or nested arrays of them for data but received'
  expect(() => Tensor.from(tensor as never)).toThrow(`${message} a Tensor of float32 [1, 2]`)
  expect(() => Tensor.from(gone as never)).toThrow(`${message} a disposed Tensor`)
  const load = Module.load([tensor, 1] as never)
  await expect(load).rejects.toThrow('for source but received [ a Tensor of float32 [1, 2], 1 ]')
})

describe('data()', () => {
  scopedTest('is a snapshot: a later in-place operation does not show in it', async () => {
    for (const length of [4, 1_000_000]) {
      const tensor = await ops.ones([length])
      const snapshot = await tensor.data()
      await ops.mul_(tensor, 2)
      expect([snapshot[0], snapshot.at(-1)]).toEqual([1, 1])
      expect((await tensor.data())[0]).toBe(2)
    }
  })

  scopedTest('has what the calls made before did, and not what later ones do', async () => {
    const tensor = await ops.ones([1_000_000])
    const first = ops.mul_(tensor, 3)
    const between = tensor.data()
    const last = ops.mul_(tensor, 5)
    expect((await between)[999_999]).toBe(3)
    expect(await last.then(() => tensor.data()).then((data) => data[0])).toBe(15)
    await first
  })

  scopedTest('changes nothing in the tensor when it is written to', async () => {
    const tensor = await ops.ones([100_000])
    const data = await tensor.data('float32')
    data.fill(7)
    expect((await tensor.data())[5]).toBe(1)
  })

  test('of a tensor that is disposed right after the call is right, and outlives it', async () => {
    const tensor = Tensor.from(Float32Array.from({ length: 300_000 }, (_, i) => i))
    const pending = tensor.data()
    tensor.dispose()
    const data = await pending
    expect([data[0], data[299_999], data.length]).toEqual([0, 299_999, 300_000])
    data[0] = 5
    expect(data[0]).toBe(5)
  })

  scopedTest('of a disposed tensor never shares memory with a view of it', async () => {
    const base = Tensor.from(new Float32Array(100_000))
    const view = await ops.view(base, [100, 1000])
    const pending = base.data()
    base.dispose()
    const data = await pending
    await ops.add_(view, 1)
    expect(data[0]).toBe(0)
    expect((await view.data())[0]).toBe(1)
    const part = await ops.narrow(view, 0, 50, 1)
    view.dispose()
    const pendingPart = part.data()
    part.dispose()
    const rows = await pendingPart
    expect([rows.length, rows.buffer.byteLength, rows[0]]).toEqual([1000, 4000, 1])
  })

  scopedTest('is row-major for transposed, expanded and sliced tensors', async () => {
    const base = Tensor.from([
      [1, 2, 3],
      [4, 5, 6],
    ])
    expect([...(await (await ops.transpose(base, 0, 1)).data())]).toEqual([1, 4, 2, 5, 3, 6])
    expect([...(await (await ops.expand(Tensor.from([[1], [2]]), [2, 3])).data())]).toEqual([1, 1, 1, 2, 2, 2])
    expect([...(await (await ops.select(base, 1, 1)).data())]).toEqual([2, 5])
  })

  scopedTest('with a dtype rejects another one', async () => {
    const tensor = Tensor.from([1n])
    const exact: BigInt64Array = await tensor.data('int64')
    expect(exact).toEqual(BigInt64Array.of(1n))
    const message = 'Expected a tensor of dtype float32 for data but received int64: convert with to({ dtype })'
    await expect(tensor.data('float32')).rejects.toMatchObject({ code: 'ERR_TORCH_DTYPE', message })
  })

  scopedTest('of a tensor without data is a typed error', async () => {
    const meta = await Tensor.from([1]).to({ device: 'meta' })
    expect(meta.device).toBe('meta')
    await expect(meta.data()).rejects.toMatchObject({ code: 'ERR_TORCH_DEVICE' })
  })
})

describe('item() and toArray()', () => {
  scopedTest('item is the only element as a number, bigint or boolean', async () => {
    expect(await Tensor.from([[2.5]]).item()).toBe(2.5)
    expect(await Tensor.from(3n).item()).toBe(3n)
    expect(await Tensor.from([true]).item()).toBe(true)
    expect(await (await Tensor.from(0.1).to({ dtype: 'bfloat16' })).item()).toBe(0.10009765625)
    for (const several of [
      Tensor.from([1, 2]),
      Tensor.from([]),
      Tensor.from(Float32Array.of(1, 2), [], { dtype: 'complex64' }),
    ]) {
      await expect(several.item()).rejects.toMatchObject({ code: 'ERR_TORCH_SHAPE', operation: 'tensor.item' })
    }
  })

  scopedTest('complex elements are pairs', async () => {
    const tensor = Tensor.from(Float32Array.of(1, 2, 3, 4), [1, 2], { dtype: 'complex64' })
    expect(await tensor.toArray()).toEqual([
      [
        [1, 2],
        [3, 4],
      ],
    ])
  })
})

describe('views and aliases share their storage', () => {
  scopedTest('an in-place operation on a view shows in its base', async () => {
    const base = Tensor.from([
      [1, 2],
      [3, 4],
    ])
    const row = await ops.select(base, 0, 1)
    await ops.mul_(row, 10)
    expect(await base.toArray()).toEqual([
      [1, 2],
      [30, 40],
    ])
    const { bytes } = memory()
    const views = await Promise.all([ops.view(base, [4]), ops.t(base), base.to({}), Promise.resolve(base.alias())])
    expect(memory().bytes).toEqual(bytes)
    await ops.zero_(base)
    for (const view of views) expect(new Set(await view.data('float32'))).toEqual(new Set([0]))
  })

  scopedTest('each handle is disposed on its own', async () => {
    const base = Tensor.from([1, 2])
    const alias = base.alias()
    base.dispose()
    expect(alias.disposed).toBe(false)
    expect(await alias.toArray()).toEqual([1, 2])
  })

  scopedTest('to() copies where the dtype changes', async () => {
    const base = Tensor.from([1.75, -1.75])
    const copy = await base.to({ dtype: 'int32' })
    await ops.zero_(base)
    expect(await copy.toArray()).toEqual([1, -1])
    expect((await base.to({ device: 'cpu' })).device).toBe('cpu')
  })
})

test('inputs live until the calls that use them have ended', async () => {
  const input = await ops.ones([64, 64])
  const pending = [ops.matmul(input, input), input.data(), input.to({ dtype: 'float64' })] as const
  input.dispose()
  const [product, data, wide] = await Promise.all(pending)
  expect((await product.data())[0]).toBe(64)
  expect([data[0], (await wide.data())[0]]).toEqual([1, 1])
  product.dispose()
  wide.dispose()
})

scopedTest('an AbortSignal stops to() before it is queued, and its reason is what is thrown', async () => {
  const reason = new Error('enough')
  await expect(Tensor.from(1).to({ dtype: 'int8', signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})

test('results that belong to no scope are kept', async () => {
  const kept = await scope(async () => keep(await ops.ones([2])))
  expect(kept.disposed).toBe(false)
  kept[Symbol.dispose]()
  expect(kept.disposed).toBe(true)
})

scopedTest('dtypes that no typed array can show are typed errors', async () => {
  const module = await Module.fromSource('def forward(self, x):\n    return x.to(8)\n')
  const half = (await module.forward(Tensor.from(1))) as Tensor // 8 is ComplexHalf
  for (const use of [() => half.data(), () => half.item(), () => half.toArray()]) {
    await expect(use()).rejects.toMatchObject({ code: 'ERR_TORCH_DTYPE' })
  }
  expect(() => half.nbytes).toThrow(expect.objectContaining({ code: 'ERR_TORCH_DTYPE' }))
})
