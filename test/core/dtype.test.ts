import { describe, expect, test } from 'vitest'
import { type DType, dtypes, isDType, requireDType } from '../../lib/core/dtype.js'
import { Tensor } from '../../lib/core/tensor.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { readGolden } from '../support/op-golden.js'

interface GoldenBytes {
  dtype: DType
  shape: number[]
  hex: string
}
interface GoldenCase extends GoldenBytes {
  numbers?: GoldenNumbers
  to?: GoldenBytes
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
        expect(await tensor.toArray()).toEqual(decode(numbers as GoldenNumbers, dtype))
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
        const converted = await tensorOf(golden).to({ dtype: (to as GoldenBytes).dtype })
        expect(await bytesOf(converted)).toEqual(to)
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
    const float8 = names.filter((name) => name.startsWith('float8'))
    expect(accepted).toEqual([
      ['int8'],
      ['uint8', 'bool', ...float8],
      ['uint8', 'bool', ...float8],
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

  scopedTest('hold float16 where Node has Float16Array', async () => {
    const tensor = Tensor.from(Uint16Array.of(0x3c00), undefined, { dtype: 'float16' })
    const { Float16Array } = globalThis as { Float16Array?: { new (length: number): ArrayBufferView } }
    expect((await tensor.data()).constructor).toBe(Float16Array ?? Uint16Array)
    if (Float16Array) expect(Tensor.from(new Float16Array(2) as Uint16Array).dtype).toBe('float16')
  })
})

test('numbers are no bits', () => {
  const bits = names.filter((dtype) => !dtypes[dtype].numeric || dtypes[dtype].perElement === 2)
  for (const dtype of bits) {
    expect(() => Tensor.from([1], undefined, { dtype })).toThrow(/make float32 and convert with to\(\{ dtype \}\)$/)
  }
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
