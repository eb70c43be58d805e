import { invalidArgument, torchError } from './errors.js'

/** What a Float16Array is to a program whose TypeScript library does not declare it. */
type Float16ArrayLike = Omit<Float32Array, typeof Symbol.toStringTag> & {
  readonly [Symbol.toStringTag]: 'Float16Array'
}

/** Node 24 and newer have it; the type is the library's own (`lib: ["esnext"]`) where there is one. */
type Float16Array = typeof globalThis extends { Float16Array: { prototype: infer Own } } ? Own : Float16ArrayLike

interface DTypeRow {
  bytes: number
  /** How `Tensor.data()` shows the elements. */
  array: TypedArrayConstructor
  /** Elements of the array per element of the tensor: 2 where a complex number is a pair. */
  perElement: 1 | 2
  /** The array holds numbers, not bits that JS has no type for. */
  numeric: boolean
  /** An element is several numbers, which libtorch can move but neither read nor convert. */
  packed?: true
}

export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float16Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array

interface TypedArrayConstructor {
  readonly name: string
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer): TypedArray
}

/** Node 20 and 22 have none: there the bits of a float16 are a Uint16Array. */
const float16Array = (globalThis as { Float16Array?: TypedArrayConstructor }).Float16Array

const row = (array: TypedArrayConstructor, numeric = true, perElement: 1 | 2 = 1): DTypeRow => ({
  bytes: array.BYTES_PER_ELEMENT * perElement,
  array,
  perElement,
  numeric,
})

/** PyTorch's dtypes by their names, without those that safetensors cannot store. */
export const dtypes = {
  float32: row(Float32Array),
  float64: row(Float64Array),
  float16: row(float16Array ?? Uint16Array, float16Array !== undefined),
  bfloat16: row(Uint16Array, false),
  int8: row(Int8Array),
  int16: row(Int16Array),
  int32: row(Int32Array),
  int64: row(BigInt64Array),
  uint8: row(Uint8Array),
  uint16: row(Uint16Array),
  uint32: row(Uint32Array),
  uint64: row(BigUint64Array),
  bool: row(Uint8Array),
  complex64: row(Float32Array, true, 2),
  complex128: row(Float64Array, true, 2),
  float8_e4m3fn: row(Uint8Array, false),
  float8_e5m2: row(Uint8Array, false),
  float8_e4m3fnuz: row(Uint8Array, false),
  float8_e5m2fnuz: row(Uint8Array, false),
  float8_e8m0fnu: row(Uint8Array, false),
  float4_e2m1fn_x2: { ...row(Uint8Array, false), packed: true },
} satisfies Record<string, DTypeRow>

export type DType = keyof typeof dtypes

interface DataTypes {
  float32: Float32Array
  float64: Float64Array
  float16: Uint16Array | Float16Array
  bfloat16: Uint16Array
  int8: Int8Array
  int16: Int16Array
  int32: Int32Array
  int64: BigInt64Array
  uint8: Uint8Array
  uint16: Uint16Array
  uint32: Uint32Array
  uint64: BigUint64Array
  bool: Uint8Array
  complex64: Float32Array
  complex128: Float64Array
  float8_e4m3fn: Uint8Array
  float8_e5m2: Uint8Array
  float8_e4m3fnuz: Uint8Array
  float8_e5m2fnuz: Uint8Array
  float8_e8m0fnu: Uint8Array
  /** A byte is one element: two numbers of 4 bits, the first in the low ones. */
  float4_e2m1fn_x2: Uint8Array
}

/** What a tensor may have: results of modules can have dtypes that cannot be asked for, such as 'ComplexHalf'. */
export type TensorDType = DType | (string & Record<never, never>)

/** The typed array that `data()` gives for a dtype; float16: by the version of Node. */
export type DataOf<D extends DType> = DataTypes[D]

export function isDType(value: unknown): value is DType {
  return typeof value === 'string' && Object.hasOwn(dtypes, value)
}

/** Throws ERR_TORCH_DTYPE for a string that names no dtype, ERR_TORCH_INVALID_ARGUMENT for anything else. */
export function requireDType(value: unknown, name: string): DType {
  if (isDType(value)) return value
  const expected = `one of ${Object.keys(dtypes).join(', ')}`
  const error = invalidArgument(name, expected, value)
  throw typeof value === 'string' ? torchError('ERR_TORCH_DTYPE', error.message) : error
}

/** The end of a message: how to come from one dtype to another. Nothing is converted to or from packed ones. */
export function conversionHint(names: readonly string[], way = 'convert'): string {
  return names.some((name) => isDType(name) && dtypes[name].packed) ? '' : `: ${way} with to({ dtype })`
}

const naturalDTypes: Record<string, DType> = {
  Int8Array: 'int8',
  Uint8Array: 'uint8',
  Uint8ClampedArray: 'uint8',
  Int16Array: 'int16',
  Uint16Array: 'uint16',
  Int32Array: 'int32',
  Uint32Array: 'uint32',
  Float16Array: 'float16',
  Float32Array: 'float32',
  Float64Array: 'float64',
  BigInt64Array: 'int64',
  BigUint64Array: 'uint64',
}

const typedArrayName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get

/** The dtype whose elements a typed array holds; undefined for a DataView. Works for the arrays of another realm. */
export function naturalDType(array: ArrayBufferView): DType | undefined {
  return naturalDTypes[typedArrayName?.call(array) ?? '']
}

/** The dtype whose arrays hold the bits of another, too. */
const bitsComeAs: { readonly [dtype in DType]?: DType } = {
  float16: 'uint16',
  bfloat16: 'uint16',
  bool: 'uint8',
  float8_e4m3fn: 'uint8',
  float8_e5m2: 'uint8',
  float8_e4m3fnuz: 'uint8',
  float8_e5m2fnuz: 'uint8',
  float8_e8m0fnu: 'uint8',
  float4_e2m1fn_x2: 'uint8',
  complex64: 'float32',
  complex128: 'float64',
}

/** Whether the array's elements are, bit for bit, those of the dtype: a Uint16Array holds float16 as well as uint16. */
export function holdsBitsOf(array: ArrayBufferView, dtype: DType): boolean {
  const natural = naturalDType(array)
  return natural !== undefined && (natural === dtype || natural === bitsComeAs[dtype])
}
