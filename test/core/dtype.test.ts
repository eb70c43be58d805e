import { describe, expect, test } from 'vitest'
import { memory } from '../../lib/core/device.js'
import { type DType, dtypes, isDType, requireDType } from '../../lib/core/dtype.js'
import { ops } from '../../lib/core/ops.js'
import { Tensor } from '../../lib/core/tensor.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { readGolden } from '../support/op-golden.js'

interface GoldenBytes {
  dtype: DType
  shape: number[]
  hex: string
}
/** null: Python refuses. */
interface GoldenCase extends GoldenBytes {
  numbers?: GoldenNumbers | null
  to?: GoldenBytes | { dtype: DType; hex: null }
}
/** Integers and what JSON lacks are strings. */
type GoldenNumbers = string | number | boolean | GoldenNumbers[]

const cases = readGolden<GoldenCase>('dtypes.json')
const names = Object.keys(dtypes) as DType[]
const ofDType = (dtype: DType) => cases.filter((golden) => golden.dtype === dtype)

expectNoLeaks()

function tensorOf({ dtype, shape, hex }: GoldenBytes): Tensor {
  return Tensor.from(new dtypes[dtype].array(Uint8Array.from(Buffer.from(hex, 'hex')).buffer), shape, { dtype })
}

async function bytesOf(tensor: Tensor): Promise<GoldenBytes> {
  const { buffer, byteOffset, byteLength } = await tensor.data()
  return {
    dtype: tensor.dtype as DType,
    shape: [...tensor.shape],
    hex: Buffer.from(buffer, byteOffset, byteLength).toString('hex'),
  }
}

async function expectRefused(verb: Promise<unknown>, words: string): Promise<void> {
  await expect(verb).rejects.toMatchObject({ code: 'ERR_TORCH_DTYPE', message: expect.stringContaining(words) })
}

/** The golden's numbers as toArray gives them. */
function decode(golden: GoldenNumbers, dtype: DType): unknown {
  if (Array.isArray(golden)) return golden.map((item) => decode(item, dtype))
  if (typeof golden !== 'string') return golden
  return dtype === 'int64' || dtype === 'uint64' ? BigInt(golden) : Number(golden)
}

test('the goldens have every dtype', () => {
  expect([...new Set(cases.map(({ dtype }) => dtype))].sort()).toEqual([...names].sort())
})

describe('bytes go in and out as they are in Python, and read as the same numbers', () => {
  test.each(names)(
    '%s',
    inScope(async (dtype: DType) => {
      const goldens = ofDType(dtype).filter(({ numbers }) => numbers !== undefined)
      expect(goldens.map(({ shape }) => shape.length)).toEqual([1, 0, 2, 3])
      for (const { numbers, ...golden } of goldens) {
        const tensor = tensorOf(golden)
        expect(await bytesOf(tensor)).toEqual(golden)
        expect(tensor.nbytes).toBe(golden.hex.length / 2)
        if (numbers === null) await expectRefused(tensor.toArray(), 'data() has the bits')
        else expect(await tensor.toArray()).toEqual(decode(numbers as GoldenNumbers, dtype))
      }
    }),
  )
})

describe('converts to every other dtype as Python does', () => {
  test.each(names)(
    '%s',
    inScope(async (dtype: DType) => {
      const goldens = ofDType(dtype).filter(({ to }) => to !== undefined)
      expect(goldens.map(({ to }) => to?.dtype).sort()).toEqual(names.filter((name) => name !== dtype).sort())
      for (const { to, ...golden } of goldens) {
        const { dtype: wanted, hex } = to as NonNullable<GoldenCase['to']>
        const converting = tensorOf(golden).to({ dtype: wanted })
        if (hex === null) await expectRefused(converting, 'not implemented')
        else expect(await bytesOf(await converting)).toEqual(to)
      }
    }),
  )
})

describe('typed arrays', () => {
  const arrays = [
    ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
    ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array],
  ]

  scopedTest('give the dtype of their elements, and every other one only where the bits are the same', () => {
    const natural = arrays.map((ArrayClass) => Tensor.from(new ArrayClass(2)).dtype)
    expect(natural).toEqual([
      ...['int8', 'uint8', 'uint8', 'int16', 'uint16', 'int32', 'uint32'],
      ...['float32', 'float64', 'int64', 'uint64'],
    ])
    const accepted = arrays.map((ArrayClass) =>
      names.filter((dtype) => {
        try {
          return Tensor.from(new ArrayClass(2), undefined, { dtype }).dtype === dtype
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_TORCH_DTYPE' })
          return false
        }
      }),
    )
    const short = names.filter((name) => /^float[48]/.test(name))
    expect(accepted).toEqual([
      ['int8'],
      ['uint8', 'bool', ...short],
      ['uint8', 'bool', ...short],
      ['int16'],
      ['float16', 'bfloat16', 'uint16'],
      ['int32'],
      ['uint32'],
      ['float32', 'complex64'],
      ['float64', 'complex128'],
      ['int64'],
      ['uint64'],
    ])
  })

  scopedTest('of another realm are read', async () => {
    const { runInNewContext } = await import('node:vm')
    const tensor = Tensor.from(runInNewContext('Float64Array.of(1, 2)'))
    expect([tensor.dtype, await tensor.toArray()]).toEqual(['float64', [1, 2]])
    expect(await Tensor.from(runInNewContext('[[1], [2]]')).toArray()).toEqual([[1], [2]])
  })

  scopedTest('of an odd length are no complex numbers', () => {
    const message = 'Expected pairs for complex64 but received 3 elements'
    expect(() => Tensor.from(new Float32Array(3), undefined, { dtype: 'complex64' })).toThrow(message)
  })
})

test('numbers are no bits', () => {
  const bits = names.filter((dtype) => !dtypes[dtype].numeric || dtypes[dtype].perElement === 2)
  for (const dtype of bits) {
    const end = dtypes[dtype].packed ? / but received numbers$/ : /: make float32 and convert with to\(\{ dtype \}\)$/
    expect(() => Tensor.from([1], undefined, { dtype })).toThrow(end)
  }
})

describe('float4, two numbers in a byte,', () => {
  const dtype = 'float4_e2m1fn_x2'
  const make = () => Tensor.from(Uint8Array.of(1, 2, 3, 4, 5, 0xfe), [2, 3], { dtype })

  scopedTest('is moved: cloned, viewed, joined, made contiguous, shown without data', async () => {
    const tensor = make()
    const flipped = await ops.transpose(tensor, 0, 1)
    expect(await (await ops.contiguous(flipped)).data(dtype)).toEqual(Uint8Array.of(1, 4, 2, 5, 3, 0xfe))
    expect(await flipped.data()).toEqual(Uint8Array.of(1, 4, 2, 5, 3, 0xfe))
    expect(await (await ops.cat([tensor, await ops.clone(tensor)])).data()).toHaveLength(12)
    expect(await (await ops.slice(tensor, { dim: 1, start: 1 })).data()).toEqual(Uint8Array.of(2, 3, 5, 0xfe))
    expect(await (await tensor.to({ device: 'cpu', dtype })).data()).toEqual(await tensor.data())
    const meta = await tensor.to({ device: 'meta' })
    expect([meta.dtype, meta.shape, meta.nbytes]).toEqual([dtype, [2, 3], 6])
  })

  scopedTest('counts a byte of memory per element', () => {
    const before = memory().bytes.cpu ?? 0
    const tensor = Tensor.from(new Uint8Array(1000), undefined, { dtype })
    expect([tensor.numel, tensor.nbytes, (memory().bytes.cpu ?? 0) - before]).toEqual([1000, 1000, 1000])
  })

  scopedTest('is computed with nowhere, and no error advises to convert it', async () => {
    const tensor = make()
    for (const verb of [ops.sum(tensor), ops.abs(tensor), ops.full([2], 1, { dtype })]) {
      await expectRefused(verb, 'not implemented')
    }
    await expectRefused((await ops.select(tensor, 0, 1)).toArray(), 'data() has the bits')
    await expectRefused(Tensor.from(Uint8Array.of(1), [], { dtype }).item(), 'data() has the bits')
    await expect(tensor.data('float32')).rejects.toThrow(/but received float4_e2m1fn_x2$/)
    await expect(Tensor.from([1]).data(dtype)).rejects.toThrow(/but received float32$/)
    expect(() => Tensor.from(new Float32Array(2), undefined, { dtype })).toThrow(/but received elements of float32$/)
  })
})

test('names of dtypes are told from others', () => {
  expect(names.every(isDType)).toBe(true)
  expect(['float', 'Float32', '', 'constructor', '__proto__', 32, null].some(isDType)).toBe(false)
  const code = (value: unknown) => {
    try {
      return requireDType(value, 'dtype')
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  expect(['int8', 'float', 7].map(code)).toEqual(['int8', 'ERR_TORCH_DTYPE', 'ERR_TORCH_INVALID_ARGUMENT'])
})
