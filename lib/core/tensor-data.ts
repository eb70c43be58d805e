import { conversionHint, type DType, dtypes, holdsBitsOf, naturalDType, requireDType } from './dtype.js'
import { bytesOf, type Element } from './element-bytes.js'
import { invalidArgument, readSafely, torchError } from './errors.js'
import { elementsOf, joinedBytes, leavesOf, type Nested, type NestedOf } from './nested-data.js'
import { requireCount, requireShape, shapeError } from './tensor-shape.js'

export type TensorData =
  | ArrayBufferView
  | NestedOf<number>
  | NestedOf<bigint>
  | NestedOf<boolean>
  | readonly NestedOf<ArrayBufferView>[]

/** What a native tensor is made from: contiguous bytes, row-major. */
interface ReadData {
  bytes: Uint8Array
  dtype: DType
  shape: number[]
}

const operation = 'Tensor.from'

function naturalDTypeOf(elements: readonly Element[]): DType {
  const types = new Set(elements.map((element) => typeof element))
  if (types.size > 1) throw invalidArgument('data', 'elements of one type', elements, { operation })
  return types.has('bigint') ? 'int64' : types.has('boolean') ? 'bool' : 'float32'
}

/** `bytes`: of the view, or of typed arrays like it in arrays of these sizes. */
function fromBytes(
  bytes: Uint8Array,
  view: ArrayBufferView,
  rows: readonly number[],
  shape: number[] | undefined,
  dtype: DType | undefined,
): ReadData {
  const natural = naturalDType(view)
  if (natural === undefined) throw invalidArgument('data', 'a typed array', view, { operation })
  const chosen = dtype ?? natural
  if (!holdsBitsOf(view, chosen)) {
    const message = `Expected a ${dtypes[chosen].array.name} for dtype ${chosen} but received elements of ${natural}`
    throw torchError('ERR_TORCH_DTYPE', message + conversionHint([chosen]), { operation })
  }
  const { perElement } = dtypes[chosen]
  const length = view.byteLength / dtypes[chosen].bytes
  if (!Number.isInteger(length)) {
    throw shapeError(`Expected pairs for ${chosen} but received ${length * perElement} elements`)
  }
  const nesting = [...rows, length]
  const sizes = shape ?? nesting
  requireCount(
    sizes,
    nesting.reduce((product, size) => product * size, 1),
  )
  // libtorch reads a bool's byte as it is, and anything but 0 and 1 behaves as neither.
  return { bytes: chosen === 'bool' ? bytes.map((byte) => (byte === 0 ? 0 : 1)) : bytes, dtype: chosen, shape: sizes }
}

function fromNested(data: Nested, shape: number[] | undefined, dtype: DType | undefined): ReadData {
  const { leaves, shape: nesting } = leavesOf(data)
  const [first] = leaves
  if (ArrayBuffer.isView(first)) return fromBytes(joinedBytes(first, leaves), first, nesting, shape, dtype)
  const elements = elementsOf(leaves)
  const chosen = dtype ?? naturalDTypeOf(elements)
  if (!dtypes[chosen].numeric || dtypes[chosen].perElement !== 1) {
    const message = `Expected a ${dtypes[chosen].array.name} with the bits of ${chosen} but received numbers`
    throw torchError('ERR_TORCH_DTYPE', message + conversionHint([chosen], 'make float32 and convert'), { operation })
  }
  const sizes = shape ?? nesting
  requireCount(sizes, elements.length)
  return { bytes: bytesOf(elements, chosen), dtype: chosen, shape: sizes }
}

function read(data: unknown, shape: unknown, dtype: unknown): ReadData {
  const sizes = shape === undefined ? undefined : requireShape(shape)
  const type = dtype === undefined ? undefined : requireDType(dtype, 'dtype')
  if (ArrayBuffer.isView(data)) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    return fromBytes(bytes, data, [], sizes, type)
  }
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
