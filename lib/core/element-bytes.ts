import { type DType, dtypes } from './dtype.js'
import { invalidArgument } from './errors.js'

export type Element = number | bigint | boolean

const operation = 'Tensor.from'

const integerLimits: Partial<Record<DType, [bigint, bigint]>> = {
  int8: [-128n, 127n],
  int16: [-32768n, 32767n],
  int32: [-2147483648n, 2147483647n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint8: [0n, 255n],
  uint16: [0n, 65535n],
  uint32: [0n, 4294967295n],
  uint64: [0n, 2n ** 64n - 1n],
}

/** An integer that the dtype can hold, not rounded before it came here: JS would change others without a word. */
function requireInteger(value: Element, dtype: DType, [low, high]: [bigint, bigint]): bigint {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) {
    const integer = BigInt(value)
    if (integer >= low && integer <= high) return integer
  }
  const wide = high > Number.MAX_SAFE_INTEGER ? ' (beyond 2^53 bigints)' : ''
  throw invalidArgument('data', `integers that ${dtype} can hold${wide}`, value, { operation })
}

/** Row-major, in the machine's byte order. Throws ERR_TORCH_INVALID_ARGUMENT for an integer that the dtype cannot hold. */
export function bytesOf(values: readonly Element[], dtype: DType): Uint8Array {
  const limits = integerLimits[dtype]
  const ArrayClass = dtypes[dtype].array as unknown as { new (length: number): Float64Array | BigInt64Array }
  const array = new ArrayClass(values.length)
  for (const [i, value] of values.entries()) {
    const stored =
      dtype === 'bool' ? Number(Boolean(value)) : limits ? requireInteger(value, dtype, limits) : Number(value)
    array[i] = array instanceof BigInt64Array || array instanceof BigUint64Array ? BigInt(stored) : Number(stored)
  }
  return new Uint8Array(array.buffer)
}
