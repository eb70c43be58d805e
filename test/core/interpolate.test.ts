import { afterAll, beforeAll, expect, test } from 'vitest'
import { TorchError } from '../../lib/core/errors.js'
import { interpolate } from '../../lib/core/interpolate.js'
import { native } from '../../lib/core/native.js'
import { Tensor } from '../../lib/core/tensor.js'
import { decode, expectGolden, type GoldenValue, readGolden } from '../support/op-golden.js'

type Call = (...args: unknown[]) => Promise<Tensor>
const call = interpolate as Call

let image: Tensor
let before: number
beforeAll(() => {
  before = native().memory().tensors
  image = Tensor.from(new Float32Array(12), [1, 1, 3, 4])
})
afterAll(() => {
  image.dispose()
  expect(native().memory().tensors).toBe(before)
})

/** JSON writes 1.75 as `{ float: 1.75 }`, at any depth. */
const decodeOptions = (options: Record<string, GoldenValue>) =>
  Object.fromEntries(Object.entries(options).map(([key, value]) => [key, decode(value, [])]))

interface GoldenCall {
  input: GoldenValue
  options: Record<string, GoldenValue>
  output: GoldenValue
}

test.each(
  readGolden<GoldenCall>('interpolate.json').map((golden) => [JSON.stringify(golden.options), golden] as const),
)('returns what torch.nn.functional.interpolate returns for %s', async (_, { input, options, output }) => {
  const owned: { dispose(): void }[] = []
  const result = await call(decode(input, owned), decodeOptions(options))
  await expectGolden(result, output)
  for (const handle of [result, ...owned]) handle.dispose()
})

test.each([
  [{}, 'ERR_TORCH_INVALID_ARGUMENT', 'either size or scaleFactor'],
  [{ size: 2, scaleFactor: 2 }, 'ERR_TORCH_INVALID_ARGUMENT', 'either size or scaleFactor'],
  [{ size: [2] }, 'ERR_TORCH_INVALID_ARGUMENT', 'each of the 2 spatial dimensions'],
  [{ size: 0 }, 'ERR_TORCH_INVALID_ARGUMENT', 'size'],
  [{ size: 1.5 }, 'ERR_TORCH_INVALID_ARGUMENT', 'size'],
  [{ size: [2, '2'] }, 'ERR_TORCH_INVALID_ARGUMENT', 'size'],
  [{ scaleFactor: Number.NaN }, 'ERR_TORCH_INVALID_ARGUMENT', 'scaleFactor'],
  [{ scaleFactor: -1 }, 'ERR_TORCH_INVALID_ARGUMENT', 'scaleFactor'],
  [{ size: 2, mode: 'cubic' }, 'ERR_TORCH_INVALID_ARGUMENT', "'bicubic'"],
  [{ size: 2, mode: 'linear' }, 'ERR_TORCH_INVALID_ARGUMENT', "mode 'linear'"],
  [{ size: 2, mode: 'area', antialias: true }, 'ERR_TORCH_INVALID_ARGUMENT', 'with antialias'],
  [{ size: 2, alignCorners: false }, 'ERR_TORCH_INVALID_ARGUMENT', 'alignCorners'],
  [{ size: 2, mode: 'bilinear', alignCorners: 1 }, 'ERR_TORCH_INVALID_ARGUMENT', 'a boolean for alignCorners'],
  [{ size: 2, recomputeScaleFactor: true }, 'ERR_TORCH_INVALID_ARGUMENT', 'recomputeScaleFactor'],
  [{ size: 2, align_corners: true }, 'ERR_TORCH_UNKNOWN_OPTION', 'alignCorners'],
  [null, 'ERR_TORCH_INVALID_ARGUMENT', 'a plain object'],
  [new Map(), 'ERR_TORCH_INVALID_ARGUMENT', 'a plain object'],
])('rejects the options %j', async (options, code, text) => {
  const error = await call(image, options).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(TorchError)
  expect(error).toMatchObject({ code, message: expect.stringContaining(text) })
})

test('rejects what is not a tensor, and a proxy that throws', async () => {
  await expect(call([1, 2], { size: 2 })).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
  const hostile = new Proxy(
    {},
    {
      get: () => {
        throw new Error('no')
      },
      ownKeys: () => {
        throw new Error('no')
      },
    },
  )
  await expect(call(image, hostile)).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
  await expect(call(hostile, { size: 2 })).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
})
