import { type TorchError, torchError } from '../core/errors.js'
import { JsonReader } from './json-reader.js'
import type { StoredTensorInfo } from './safetensors.js'

export interface StoredTensor extends StoredTensorInfo {
  readonly name: string
}

/** What a file, or a model of several files with an index, says of itself. */
export interface SafetensorsHeader {
  metadata: Readonly<Record<string, string>>
  /** In the order of their bytes, or of the index. */
  tensors: readonly StoredTensor[]
}

/** Bits of an element, and what the dtype is called here. */
const storedTypes: Readonly<Record<string, readonly [bigint, StoredTensor['dtype']]>> = {
  BOOL: [8n, 'bool'],
  F4: [4n, 'F4'],
  F6_E2M3: [6n, 'F6_E2M3'],
  F6_E3M2: [6n, 'F6_E3M2'],
  U8: [8n, 'uint8'],
  I8: [8n, 'int8'],
  F8_E5M2: [8n, 'float8_e5m2'],
  F8_E4M3: [8n, 'float8_e4m3fn'],
  F8_E8M0: [8n, 'float8_e8m0fnu'],
  F8_E4M3FNUZ: [8n, 'float8_e4m3fnuz'],
  F8_E5M2FNUZ: [8n, 'float8_e5m2fnuz'],
  I16: [16n, 'int16'],
  U16: [16n, 'uint16'],
  F16: [16n, 'float16'],
  BF16: [16n, 'bfloat16'],
  I32: [32n, 'int32'],
  U32: [32n, 'uint32'],
  F32: [32n, 'float32'],
  C64: [64n, 'complex64'],
  F64: [64n, 'float64'],
  I64: [64n, 'int64'],
  U64: [64n, 'uint64'],
}

/** A file begins with the header's length in 8 bytes, little-endian. */
export const lengthBytes = 8
const longestHeader = 100_000_000n
/** What JavaScript, and so the names of errors, can show. */
const largestSize = BigInt(Number.MAX_SAFE_INTEGER)
const largestCount = 2n ** 64n - 1n
const largestStride = 2n ** 63n - 1n

interface Entry {
  name: string
  type: string
  shape: bigint[]
  begin: bigint
  end: bigint
}

function malformed(expected: string, { name }: Pick<Entry, 'name'>, received: string): TorchError {
  return torchError('ERR_TORCH_FILE_FORMAT', `Expected ${expected} for tensor '${name}' but received ${received}`)
}

function readType(json: JsonReader): string {
  const name = json.string()
  if (Object.hasOwn(storedTypes, name)) return name
  return json.fail("a dtype of the format, such as 'F32',", `'${name}'`)
}

function readSize(json: JsonReader): bigint {
  const size = json.unsignedInteger()
  return size > largestSize ? json.fail('sizes up to 2^53 - 1', `${size}`) : size
}

function readEntry(json: JsonReader, name: string): Entry {
  let type: string | undefined
  let shape: bigint[] | undefined
  const offsets: bigint[] = []
  json.object((field) => {
    if (field === 'dtype') type = readType(json)
    else if (field === 'shape') {
      const sizes: bigint[] = []
      json.array(() => void sizes.push(readSize(json)))
      shape = sizes
    } else if (field === 'data_offsets') json.array(() => void offsets.push(json.unsignedInteger()))
    else json.skip()
  })
  const [begin, end] = offsets
  if (type === undefined || shape === undefined || begin === undefined || end === undefined || offsets.length > 2) {
    throw malformed('a dtype, a shape and two data_offsets', { name }, 'something else')
  }
  return { name, type, shape, begin, end }
}

/** libtorch computes strides of tensors without elements too, as if their sizes of 0 were 1. */
function requireStrides(entry: Entry): void {
  const largest = entry.shape.slice(1).reduce((product, size) => product * (size || 1n), 1n)
  if (largest > largestStride) throw malformed('strides below 2^63', entry, 'a larger shape')
}

function bytesOf(entry: Entry): bigint {
  const [bits = 8n] = storedTypes[entry.type] ?? []
  // As the reference does it: a product that overflows is refused even where a later size is 0.
  const total = [...entry.shape, bits].reduce((product, size) => {
    if (product * size <= largestCount) return product * size
    throw malformed('a size below 2^64 bits', entry, 'a larger shape')
  }, 1n)
  requireStrides(entry)
  if (total % 8n !== 0n) throw malformed('whole bytes', entry, `${total} bits of ${entry.type}`)
  return total / 8n
}

/** Every byte of the buffer belongs to exactly one tensor: nothing can hide in a file, and nothing is read twice. */
function requireFilled(entries: readonly Entry[], bufferBytes: bigint): void {
  let filled = 0n
  for (const entry of entries) {
    const { begin, end } = entry
    if (begin !== filled || end < begin) {
      throw malformed(`data_offsets that begin at ${filled}`, entry, `[${begin}, ${end}]`)
    }
    const bytes = bytesOf(entry)
    if (end - begin !== bytes) throw malformed(`${bytes} bytes`, entry, `data_offsets [${begin}, ${end}]`)
    filled = end
  }
  if (filled === bufferBytes) return
  const message = `Expected ${filled} bytes behind the header but received ${bufferBytes}`
  throw torchError('ERR_TORCH_FILE_FORMAT', message)
}

function stored({ name, type, shape, begin, end }: Entry): StoredTensor {
  const [, dtype = 'uint8'] = storedTypes[type] ?? []
  return { name, dtype, shape: shape.map(Number), bytes: Number(end - begin) }
}

const compared = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0)

/** The length of the header of a file of `size` bytes that begins with `beginning`. Throws ERR_TORCH_FILE_FORMAT. */
export function headerLength(beginning: Buffer, size: number, place: string): number {
  const refused = (actual: string) =>
    torchError('ERR_TORCH_FILE_FORMAT', `Expected a safetensors file but ${place} is ${actual}`)
  if (size < lengthBytes) throw refused(`none: it has ${size} bytes`)
  const length = beginning.readBigUInt64LE(0)
  if (length > longestHeader)
    throw refused('none: it does not begin with the length of a header (at most 100,000,000 bytes)')
  const rest = size - lengthBytes
  if (length > BigInt(rest)) {
    throw refused(`none, or cut off: it begins with the length ${length} of a header, and ${rest} bytes follow`)
  }
  return Number(length)
}

function parse(json: JsonReader, bufferBytes: bigint): SafetensorsHeader {
  const entries: Entry[] = []
  const metadata: [string, string][] = []
  json.object((key) => {
    if (key !== '__metadata__') entries.push(readEntry(json, key))
    else if (!json.null()) json.object((name) => void metadata.push([name, json.string()]))
  })
  json.end()
  entries.sort((a, b) => compared(a.begin, b.begin) || compared(a.end, b.end))
  requireFilled(entries, bufferBytes)
  metadata.sort(([a], [b]) => (a < b ? -1 : 1))
  return { metadata: Object.fromEntries(metadata), tensors: entries.map(stored) }
}

/**
 * Reads a header as native/engine/safetensors_header does, which says what it accepts, and with the same messages; a test
 * keeps the two equal. `bytes`: the header alone; `bufferBytes`: what is behind it. Throws ERR_TORCH_FILE_FORMAT.
 */
export function parseSafetensorsHeader(bytes: Uint8Array, bufferBytes: number, place: string): SafetensorsHeader {
  try {
    return parse(new JsonReader(bytes), BigInt(bufferBytes))
  } catch (cause) {
    const { message } = cause as Error
    throw torchError('ERR_TORCH_FILE_FORMAT', `${message}, in ${place}`, { cause })
  }
}
