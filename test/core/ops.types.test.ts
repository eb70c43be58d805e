import { afterAll, describe, expect, expectTypeOf, test } from 'vitest'
import { native } from '../../lib/core/native.js'
import { ops } from '../../lib/core/ops.js'
import { scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'

// `tsc -p tsconfig.test.json` checks this file: a call that TypeScript would let pass makes its @ts-expect-error an error.

const before = native().memory().tensors
const x = Tensor.from(Float32Array.of(1, 2, 3, 4), [2, 2])
afterAll(() => {
  x.dispose()
  expect(native().memory().tensors).toBe(before)
})

describe('calls that TypeScript refuses are rejected at run time too', () => {
  test.each<[string, () => Promise<unknown>]>([
    // @ts-expect-error a required argument is missing
    ['a missing argument', () => ops.softmax(x)],
    // @ts-expect-error an array is no dim
    ['a wrong argument', () => ops.softmax(x, [1])],
    // @ts-expect-error a number is no tensor
    ['a number for a tensor', () => ops.neg(1)],
    // @ts-expect-error float31 is no dtype
    ['a wrong dtype', () => ops.zeros([1], { dtype: 'float31' })],
    // @ts-expect-error dims is no option
    ['a wrong option name', () => ops.sum(x, { dims: [1] })],
    // @ts-expect-error ATen's own spelling is not the public one
    ['a snake_case option name', () => ops.crossEntropy(x, x, { ignore_index: 1 })],
    // @ts-expect-error an int is no reduction
    ['a number for a word', () => ops.mseLoss(x, x, { reduction: 1 })],
    // @ts-expect-error half is no rounding mode
    ['a wrong word', () => ops.div(x, x, { roundingMode: 'half' })],
    // @ts-expect-error decimals is required once there are options
    ['a wrong option in an overload', () => ops.round(x, { digits: 1 })],
    // @ts-expect-error options come last
    ['an option as an argument', () => ops.cat([x, x], 1)],
    // @ts-expect-error a list of tensors, not one
    ['one tensor for a list', () => ops.stack(x)],
    // @ts-expect-error size or scaleFactor are numbers
    ['a wrong size', () => ops.interpolate(x, { size: '2' })],
    // @ts-expect-error lanczos is no mode
    ['a wrong mode', () => ops.interpolate(x, { size: 2, mode: 'lanczos' })],
    // @ts-expect-error no such memory format
    ['a wrong memory format', () => ops.contiguous(x, { memoryFormat: 'NHWC' })],
    // @ts-expect-error grad modes are words
    ['a wrong grad mode', () => ops.neg(x, { gradMode: true })],
  ])('%s', async (_, call) => {
    await expect(call()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_TORCH_/) })
  })

  test('there is no operator beside those of the list', () => {
    // @ts-expect-error not on the allow-list
    expect(ops.unsafeChunk).toBeUndefined()
  })
})

test('results have the types that the schemas say', async () => {
  expectTypeOf(ops.softmax).returns.resolves.toEqualTypeOf<Tensor>()
  expectTypeOf(ops.topk).returns.resolves.toEqualTypeOf<{ values: Tensor; indices: Tensor }>()
  expectTypeOf(ops.varMean).returns.resolves.toEqualTypeOf<[Tensor, Tensor]>()
  expectTypeOf(ops.chunk).returns.resolves.toEqualTypeOf<Tensor[]>()
  expectTypeOf(ops.equal).returns.resolves.toEqualTypeOf<boolean>()
  expectTypeOf(await ops.allclose(x, x)).toEqualTypeOf<boolean>()
})

test('every documented form of a call compiles and runs', async () => {
  await scope(async () => {
    const results = await Promise.all([
      ops.add(x, x),
      ops.add(x, 2, { alpha: 3 }),
      ops.add(x, 2n),
      ops.clamp(x, { min: 0 }),
      ops.clamp(x, { min: x }),
      ops.cat([x, x], { dim: 1 }),
      ops.sum(x),
      ops.sum(x, { dim: [1], keepdim: true }),
      ops.sum(x, { dim: 1, dtype: 'float64' }),
      ops.where(await ops.gt(x, 2), 1, 0),
      ops.index(x, [null, await ops.zeros([1], { dtype: 'int64' })]),
      ops.interpolate(await ops.zeros([1, 1, 2, 2]), { scaleFactor: [2, 3], mode: 'bilinear', antialias: true }),
      ops.norm(x, { ord: 1, dim: 0 }),
      ops.randn([2, 3], { dtype: 'float32' }),
    ])
    expect(results.every((tensor) => tensor instanceof Tensor)).toBe(true)
  })
})
