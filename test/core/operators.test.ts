import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TorchError } from '../../lib/core/errors.js'
import { Generator } from '../../lib/core/generator.js'
import { native } from '../../lib/core/native.js'
import { createOperator } from '../../lib/core/operators.js'
import { ops } from '../../lib/core/ops.js'
import { Tensor } from '../../lib/core/tensor.js'

type Operators = Record<string, (...args: unknown[]) => Promise<unknown>>
/** Without types, as a JavaScript program would call. */
const untyped = ops as unknown as Operators

let x: Tensor // float32 [2, 3]
let before: number
beforeAll(() => {
  before = native().memory().tensors
  x = Tensor.from(Float32Array.of(1, -2, 3, 4, 0.5, -6), [2, 3])
})
afterAll(() => {
  x.dispose()
  expect(native().memory().tensors).toBe(before)
})

async function numbers(promise: Promise<unknown>): Promise<{ dtype: string; data: number[] }> {
  const tensor = (await promise) as Tensor
  const { dtype } = tensor
  const data = Array.from((await tensor.data()) as ArrayLike<number | bigint>, Number)
  tensor.dispose()
  return { dtype, data }
}

describe('the overload that fits the arguments runs', () => {
  const whole = () => Tensor.from(Int32Array.of(1, 2), [2], { dtype: 'int32' })

  test.each<[string, (t: Tensor) => Promise<unknown>, string, number[]]>([
    ['a whole number is an integer', (t) => ops.add(t, 2, { alpha: 3 }), 'int32', [7, 8]],
    ['a fraction makes the result a float', (t) => ops.add(t, 0.5), 'float32', [1.5, 2.5]],
    ['true is a boolean', (t) => ops.add(t, true), 'int32', [2, 3]],
    ['a bigint is an integer', (t) => ops.mul(t, 3n), 'int32', [3, 6]],
    ['a required option chooses', (t) => ops.div(t, 2, { roundingMode: 'floor' }), 'int32', [0, 1]],
    ['an option that only one overload has chooses', (t) => ops.sum(t, { keepdim: true }), 'int64', [3]],
    ['an undefined option is missing', (t) => ops.sum(t, { dim: undefined }), 'int64', [3]],
    ['an option may be null where Python takes None', (t) => ops.sum(t, { dim: null, dtype: null }), 'int64', [3]],
    ['one number stands for a list', (t) => ops.sum(t, { dim: -1 }), 'int64', [3]],
    ['an option may be a tensor', (t) => ops.clamp(t, { min: t }), 'int32', [1, 2]],
    ['an infinite number is a float', (t) => ops.mul(t, Number.POSITIVE_INFINITY), 'float32', [Infinity, Infinity]],
    ['a negative zero is the integer 0', (t) => ops.mul(t, -0), 'int32', [0, 0]],
  ])('%s', async (_, call, dtype, data) => {
    const tensor = whole()
    expect(await numbers(call(tensor))).toEqual({ dtype, data })
    tensor.dispose()
  })

  test('named results are keys, unnamed ones an array', async () => {
    const top = await ops.topk(x, 2, { dim: -1 })
    expect(Object.keys(top)).toEqual(['values', 'indices'])
    expect(await numbers(Promise.resolve(top.values))).toEqual({ dtype: 'float32', data: [3, 1, 4, 0.5] })
    expect(await numbers(Promise.resolve(top.indices))).toEqual({ dtype: 'int64', data: [2, 0, 0, 1] })
    const moments = await ops.varMean(x)
    expect(moments).toHaveLength(2)
    for (const tensor of moments) tensor.dispose()
    const halves = await ops.chunk(x, 2)
    expect(halves.map(({ shape }) => shape)).toEqual([
      [1, 3],
      [1, 3],
    ])
    for (const tensor of halves) tensor.dispose()
    expect(await ops.equal(x, x)).toBe(true)
  })

  test('the generator of the options is the one that is drawn from', async () => {
    const generator = new Generator(7)
    const first = await numbers(ops.randn([3], { generator }))
    const second = await numbers(ops.randn([3], { generator }))
    await generator.seed(7)
    expect(await numbers(ops.randn([3], { generator, dtype: 'float32' }))).toEqual(first)
    expect(second).not.toEqual(first)
    // dropout has no generator of its own: the default one is replaced while it runs
    await generator.seed(7)
    const dropped = await numbers(ops.dropout(x, { generator }))
    await generator.seed(7)
    expect(await numbers(ops.dropout(x, { generator }))).toEqual(dropped)
    generator.dispose()
  })

  test('gradMode and autocast reach the operator', async () => {
    const weight = Tensor.from(Float32Array.of(1, 1, 1), [3, 1])
    const { dtype } = await numbers(ops.matmul(x, weight, { autocast: 'bfloat16' }))
    expect(dtype).toBe('bfloat16')
    weight.dispose()
    expect((await numbers(ops.neg(x, { gradMode: 'inference' }))).data).toEqual([-1, 2, -3, -4, -0.5, 6])
  })
})

const invalid = 'ERR_TORCH_INVALID_ARGUMENT'
const refused = 'ERR_TORCH_OPERATOR'
const unknown = 'ERR_TORCH_UNKNOWN_OPTION'
const hostile = new Proxy(
  {},
  {
    get: () => {
      throw new Error('trap')
    },
    getPrototypeOf: () => {
      throw new Error('trap')
    },
    ownKeys: () => {
      throw new Error('trap')
    },
  },
)

describe('a call that no overload takes is rejected', () => {
  test.each<[string, unknown[], string, string]>([
    ['softmax', [], invalid, 'ops.softmax(input: a Tensor, dim: an integer'],
    ['softmax', ['x'], invalid, 'the arguments of ops.softmax but received'],
    ['softmax', [null, 1], invalid, 'Expected a Tensor for input of ops.softmax but received null'],
    ['softmax', ['T', 1.5], invalid, 'Expected an integer for dim of ops.softmax but received 1.5'],
    ['softmax', ['T', 2 ** 53], invalid, 'dim'],
    ['softmax', ['T', Number.NaN], invalid, 'dim'],
    ['softmax', ['T', 1, 2], invalid, 'a plain object for the options of ops.softmax but received 2'],
    ['softmax', ['T', 1, []], invalid, 'a plain object'],
    ['softmax', ['T', 1, null], invalid, 'a plain object'],
    ['softmax', ['T', 1, new Map()], invalid, 'a plain object'],
    ['softmax', ['T', 1, 'T'], invalid, 'a plain object'],
    ['softmax', ['T', 1, {}, {}], invalid, 'the arguments'],
    ['softmax', ['T', 1, { dtyp: 'float32' }], unknown, 'did you mean dtype?'],
    ['softmax', ['T', 1, { sginal: null }], unknown, 'did you mean signal?'],
    ['softmax', ['T', 1, { dtype: 32 }], invalid, "a dtype such as 'float32' or null for dtype"],
    ['softmax', ['P', 1], invalid, 'a Tensor for input of ops.softmax'],
    ['softmax', ['T', 1, 'P'], invalid, 'the arguments of ops.softmax'],
    ['add', ['T', 'two'], invalid, 'ops.add(input: a Tensor, other: a Tensor, { alpha?, ... }) or ops.add('],
    ['add', ['T', 'T', { beta: 1 }], unknown, 'alpha'],
    ['add', ['T', 'T', { alpha: '1' }], invalid, 'a number, bigint or boolean for alpha'],
    ['add', ['T', { alpha: 1 }], invalid, 'ops.add('],
    ['div', ['T', 2, { roundingMode: 'up' }], invalid, "'trunc' or 'floor' or null for roundingMode"],
    ['div', ['T', 2, { rounding_mode: 'floor' }], unknown, 'did you mean roundingMode?'],
    ['sum', ['T', { dims: [1] }], unknown, 'did you mean dim?'],
    ['sum', ['T', { dim: ['1'] }], invalid, 'an integer or an array of integers or null for dim'],
    ['cat', ['T'], invalid, 'an array of Tensors for tensors'],
    ['cat', [['T', 1]], invalid, 'an array of Tensors'],
    ['reshape', ['T', [2, 1.5]], invalid, 'an array of integers for shape'],
    ['mseLoss', ['T', 'T', { reduction: 1 }], invalid, "'none' or 'mean' or 'sum' for reduction"],
    ['randn', [[2], { generator: 5 }], invalid, 'a Generator or null for generator'],
    ['normal_', ['T', { from: 0 }], unknown, 'mean'],
  ])('ops.%s(%j)', async (name, args, code, text) => {
    const filled = args.map((value) => fill(value))
    const call = untyped[name]?.(...filled)
    const error = await call?.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TorchError)
    expect(error).toMatchObject({ code, operation: `ops.${name}` })
    expect((error as TorchError).message).toContain(text)
  })
})

/** 'T' stands for the tensor, which does not exist yet where the table is written, 'P' for the proxy, which no table can print. */
function fill(value: unknown): unknown {
  if (value === 'T') return x
  if (value === 'P') return hostile
  return Array.isArray(value) ? value.map(fill) : value
}

test.each<[string, unknown[], string, string]>([
  ['softmax', ['T', 1, { dtype: 'float31' }], 'ERR_TORCH_DTYPE', 'float31'],
  ['zeros', [[2], { device: 'nowhere' }], 'ERR_TORCH_DEVICE', 'nowhere'],
  ['contiguous', ['T', { memoryFormat: 'NHWC' }], invalid, 'NHWC'],
  ['zeros', [[2 ** 52, 2 ** 52]], refused, 'overflow'],
  ['softmax', ['T', 7], refused, 'out of range'],
  ['reshape', ['T', [5]], refused, "shape '[5]' is invalid"],
  ['mm', ['T', 'T'], refused, 'cannot be multiplied'],
  ['einsum', ['nonsense', ['T']], refused, 'einsum'],
])('what libtorch refuses is rejected: ops.%s(%j)', async (name, args, code, text) => {
  const error = await untyped[name]?.(...args.map(fill)).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(TorchError)
  expect(error).toMatchObject({ code, message: expect.stringContaining(text) })
  expect((error as Error).message).not.toMatch(/frame #|Exception raised from/)
})

test('a disposed tensor is named as such', async () => {
  const gone = Tensor.from(Float32Array.of(1), [1])
  gone.dispose()
  await expect(ops.neg(gone)).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED' })
})

test('an operator that this libtorch lacks is named', async () => {
  const missing = createOperator('imagined', ['imagined.overload(Tensor self) -> Tensor'])
  await expect(missing(x)).rejects.toMatchObject({
    code: 'ERR_TORCH_OPERATOR',
    operation: 'ops.imagined',
    message: expect.stringContaining('aten::imagined.overload'),
  })
})

test('an aborted signal rejects with its reason', async () => {
  const reason = new Error('enough')
  await expect(ops.neg(x, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})
