import { type DType, dtypes, holdsBitsOf, naturalDType, requireDType } from './dtype.js'
import { describe, invalidArgument, readSafely, torchError } from './errors.js'

type Element = number | bigint | boolean
type Nested = Element | readonly Nested[]
export type TensorData = ArrayBufferView | Nested

/** What a native tensor is made from: contiguous bytes, row-major. */
interface ReadData {
  bytes: Uint8Array
  dtype: DType
  shape: number[]
}

const operation = 'Tensor.from'
const maxDimensions = 64

const textOf = (shape: readonly number[]) => `[${shape.join(', ')}]`

function shapeError(message: string) {
  return torchError('ERR_TORCH_SHAPE', message, { operation })
}

function requireShape(shape: unknown): number[] {
  if (!Array.isArray(shape)) throw invalidArgument('shape', 'an array of sizes', shape, { operation })
  if (shape.length > maxDimensions) {
    throw shapeError(`Expected at most ${maxDimensions} dimensions but received ${shape.length}`)
  }
  for (const size of shape) {
    if (typeof size !== 'number') throw invalidArgument('shape', 'an array of sizes', shape, { operation })
    if (!Number.isSafeInteger(size) || size < 0) {
      throw shapeError(`Expected whole sizes of 0 or more for shape but received ${describe(shape)}`)
    }
  }
  return [...shape]
}

function requireCount(shape: readonly number[], count: number): void {
  const wanted = shape.reduce((product, size) => product * size, 1)
  if (wanted !== count) {
    throw shapeError(`Expected ${wanted} elements for shape ${textOf(shape)} but received ${count}`)
  }
}

function fromView(view: ArrayBufferView, shape: number[] | undefined, dtype: DType | undefined): ReadData {
  const natural = naturalDType(view)
  if (natural === undefined) throw invalidArgument('data', 'a typed array', view, { operation })
  const chosen = dtype ?? natural
  if (!holdsBitsOf(view, chosen)) {
    const message = `Expected a ${dtypes[chosen].array.name} for dtype ${chosen} but received elements of ${natural}`
    throw torchError('ERR_TORCH_DTYPE', `${message}: convert with to({ dtype })`, { operation })
  }
  const { perElement } = dtypes[chosen]
  const length = view.byteLength / dtypes[chosen].bytes
  if (!Number.isInteger(length)) {
    throw shapeError(`Expected pairs for ${chosen} but received ${length * perElement} elements`)
  }
  const sizes = shape ?? [length]
  requireCount(sizes, length)
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  // libtorch reads a bool's byte as it is, and anything but 0 and 1 behaves as neither.
  return { bytes: chosen === 'bool' ? bytes.map((byte) => (byte === 0 ? 0 : 1)) : bytes, dtype: chosen, shape: sizes }
}

/** Sizes along the first elements; the others are held against it while they are read. */
function nestingOf(data: Nested): number[] {
  const shape: number[] = []
  for (let level = data; Array.isArray(level); level = level[0] as Nested) {
    shape.push(level.length)
    if (level.length === 0) break
    if (shape.length > maxDimensions) throw shapeError(`Expected at most ${maxDimensions} dimensions of nested arrays`)
  }
  return shape
}

function flatten(data: Nested, shape: readonly number[], dim: number, out: Element[]): void {
  if (dim === shape.length) {
    if (typeof data !== 'number' && typeof data !== 'bigint' && typeof data !== 'boolean') {
      throw Array.isArray(data)
        ? shapeError(`Expected nested arrays of equal lengths ${textOf(shape)} but received a deeper one`)
        : invalidArgument('data', 'numbers, bigints or booleans', data, { operation })
    }
    out.push(data)
    return
  }
  if (!Array.isArray(data))
    throw invalidArgument('data', `nested arrays of shape ${textOf(shape)}`, data, { operation })
  if (data.length !== shape[dim]) {
    throw shapeError(`Expected ${shape[dim]} elements at each place of dimension ${dim} but received ${data.length}`)
  }
  for (const item of data) flatten(item, shape, dim + 1, out)
}

function naturalDTypeOf(values: readonly Element[]): DType {
  const types = new Set(values.map((value) => typeof value))
  if (types.size > 1) throw invalidArgument('data', 'elements of one type', values, { operation })
  return types.has('bigint') ? 'int64' : types.has('boolean') ? 'bool' : 'float32'
}

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

/** An integer that the dtype can hold: JS would wrap or truncate others without a word. */
function requireInteger(value: Element, dtype: DType, [low, high]: [bigint, bigint]): bigint {
  if (typeof value === 'bigint' || typeof value === 'boolean' || Number.isInteger(value)) {
    const integer = BigInt(value)
    if (integer >= low && integer <= high) return integer
  }
  throw invalidArgument('data', `integers that ${dtype} can hold`, value, { operation })
}

function fill(values: readonly Element[], dtype: DType): Uint8Array {
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

function fromNested(data: Nested, shape: number[] | undefined, dtype: DType | undefined): ReadData {
  const nesting = nestingOf(data)
  const values: Element[] = []
  flatten(data, nesting, 0, values)
  const chosen = dtype ?? naturalDTypeOf(values)
  if (!dtypes[chosen].numeric || dtypes[chosen].perElement !== 1) {
    const message = `Expected a ${dtypes[chosen].array.name} with the bits of ${chosen} but received numbers`
    throw torchError('ERR_TORCH_DTYPE', `${message}: make float32 and convert with to({ dtype })`, { operation })
  }
  const sizes = shape ?? nesting
  requireCount(sizes, values.length)
  return { bytes: fill(values, chosen), dtype: chosen, shape: sizes }
}

function read(data: unknown, shape: unknown, dtype: unknown): ReadData {
  const sizes = shape === undefined ? undefined : requireShape(shape)
  const type = dtype === undefined ? undefined : requireDType(dtype, 'dtype')
  if (ArrayBuffer.isView(data)) return fromView(data, sizes, type)
  if (Array.isArray(data) || ['number', 'bigint', 'boolean'].includes(typeof data)) {
    return fromNested(data as Nested, sizes, type)
  }
  throw invalidArgument('data', 'a typed array, a number, bigint or boolean, or nested arrays of them', data, {
    operation,
  })
}

/** Throws ERR_TORCH_SHAPE, ERR_TORCH_DTYPE and ERR_TORCH_INVALID_ARGUMENT. */
export function readTensorData(data: unknown, shape: unknown, dtype: unknown): ReadData {
  const given = { name: 'data', expected: 'values that can be read', actual: data, operation }
  return readSafely(given, () => read(data, shape, dtype))
}
