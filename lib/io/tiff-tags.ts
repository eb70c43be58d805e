/** How the first picture of a TIFF stores its samples, as TIFF 6.0 numbers it. */
export interface TiffTags {
  /** Compression; 7 is JPEG. */
  compression: number
  /** PhotometricInterpretation: 0 white is zero, 1 black is zero, 2 RGB, 3 palette, 5 CMYK, 6 YCbCr. */
  photometric: number
  /** BitsPerSample, one for each sample of a pixel. */
  bits: number[]
  /** ExtraSamples: what those beyond the colours are; 0 spare, 1 alpha that colours were multiplied by, 2 other alpha. */
  extraSamples: number[]
  /** SampleFormat: 1 unsigned, 2 signed, 3 floating point; NaN where samples differ. */
  sampleFormat: number
  /** Each channel lies by itself. */
  planar: boolean
  littleEndian: boolean
}

/** Bytes of a BYTE, SHORT and LONG, the types of all tags read here. */
const typeSizes: Record<number, number> = { 1: 1, 3: 2, 4: 4 }
/** More samples than any picture has that we take. */
const mostValues = 64

function readValue(view: DataView, at: number, size: number, little: boolean): number {
  if (size === 1) return view.getUint8(at)
  return size === 2 ? view.getUint16(at, little) : view.getUint32(at, little)
}

/** The numbers of one entry of a directory; undefined where they are none, or very many. */
function entryValues(view: DataView, entry: number, little: boolean): number[] | undefined {
  const size = typeSizes[view.getUint16(entry + 2, little)]
  const count = view.getUint32(entry + 4, little)
  if (size === undefined || count > mostValues) return undefined
  const start = size * count <= 4 ? entry + 8 : view.getUint32(entry + 8, little)
  return Array.from({ length: count }, (_, i) => readValue(view, start + size * i, size, little))
}

function readDirectory(view: DataView, little: boolean): Map<number, number[]> {
  const start = view.getUint32(4, little)
  const fields = new Map<number, number[]>()
  for (let i = 0; i < view.getUint16(start, little); i++) {
    const entry = start + 2 + 12 * i
    const tag = view.getUint16(entry, little)
    if (!wanted.has(tag) || fields.has(tag)) continue // libtiff keeps the first of two as well
    const values = entryValues(view, entry, little)
    if (values !== undefined) fields.set(tag, values)
  }
  return fields
}

const tags = { bits: 258, compression: 259, photometric: 262, samples: 277, planar: 284, extra: 338, format: 339 }
const wanted = new Set(Object.values(tags))

/** Of a file that begins as a TIFF; undefined where it ends before its first directory does. */
export function tiffTags(bytes: Uint8Array): TiffTags | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const littleEndian = bytes[0] === 0x49
  try {
    const fields = readDirectory(view, littleEndian)
    const first = (tag: number, otherwise: number) => fields.get(tag)?.[0] ?? otherwise
    const samples = Math.min(first(tags.samples, 1), mostValues)
    const bits = fields.get(tags.bits) ?? [1]
    const formats = new Set(fields.get(tags.format) ?? [1])
    return {
      compression: first(tags.compression, 1),
      photometric: first(tags.photometric, 0),
      bits: Array.from({ length: samples }, (_, i) => bits[i] ?? bits[0] ?? 1),
      extraSamples: fields.get(tags.extra) ?? [],
      sampleFormat: formats.size === 1 ? ([...formats][0] as number) : Number.NaN,
      planar: first(tags.planar, 1) === 2,
      littleEndian,
    }
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
