import type { TiffTags } from './tiff-tags.js'

/** How sharp's samples of a TIFF become those of Pillow. */
export type TiffKind = 'rgb' | 'cmyk' | 'cmyk16' | 'grey16' | 'white16'

interface KindRow {
  photometric: number
  bits: number
  /** Samples that are colours. */
  colours: number
  /** What ExtraSamples may say. */
  extra?: number[][]
  sampleFormat?: number
  /** Pillow takes, or both take alike, only one order of bytes. */
  littleEndian?: true
  /** Channels may also lie one by one. */
  planar?: true
  compression?: number
  kind: TiffKind
}

const none: number[] = []

/** The kinds that scripts/golden/images.py has a file of, whose pixels are equal to Pillow's. */
const rows: KindRow[] = [
  ...[1, 2, 4, 8].flatMap((bits): KindRow[] => [
    { photometric: 0, bits, colours: 1, kind: 'rgb' },
    { photometric: 1, bits, colours: 1, kind: 'rgb' },
    { photometric: 3, bits, colours: 1, kind: 'rgb' },
  ]),
  { photometric: 1, bits: 8, colours: 1, extra: [[0], [2]], kind: 'rgb' },
  { photometric: 0, bits: 16, colours: 1, littleEndian: true, kind: 'white16' },
  { photometric: 1, bits: 16, colours: 1, kind: 'grey16' },
  { photometric: 1, bits: 16, colours: 1, sampleFormat: 2, kind: 'grey16' },
  { photometric: 1, bits: 32, colours: 1, littleEndian: true, kind: 'rgb' },
  { photometric: 1, bits: 32, colours: 1, sampleFormat: 2, kind: 'rgb' },
  { photometric: 1, bits: 32, colours: 1, sampleFormat: 3, kind: 'rgb' },
  { photometric: 2, bits: 8, colours: 3, extra: [none, [0], [1], [2], [0, 0]], planar: true, kind: 'rgb' },
  { photometric: 2, bits: 16, colours: 3, extra: [none, [0], [2]], kind: 'rgb' },
  // A fourth sample without a name is alpha to Pillow and to libvips.
  { photometric: 2, bits: 8, colours: 4, kind: 'rgb' },
  { photometric: 2, bits: 16, colours: 4, kind: 'rgb' },
  { photometric: 5, bits: 8, colours: 4, extra: [none, [0]], planar: true, kind: 'cmyk' },
  { photometric: 5, bits: 16, colours: 4, kind: 'cmyk16' },
  // Only libjpeg converts YCbCr as Pillow does.
  { photometric: 6, bits: 8, colours: 3, compression: 7, kind: 'rgb' },
]

/** Old-style JPEG, which writers understood differently. */
const oldJpeg = 6

function fits(row: KindRow, tags: TiffTags): boolean {
  const extra = (row.extra ?? [none]).find((samples) => samples.join() === tags.extraSamples.join())
  return (
    extra !== undefined &&
    row.photometric === tags.photometric &&
    tags.bits.length === row.colours + extra.length &&
    tags.bits.every((bits) => bits === row.bits) &&
    (row.sampleFormat ?? 1) === tags.sampleFormat &&
    (row.littleEndian !== true || tags.littleEndian) &&
    (row.planar === true || !tags.planar || tags.bits.length === 1) &&
    (row.compression ?? tags.compression) === tags.compression
  )
}

/** undefined for kinds whose pixels are not known to be Pillow's. */
export function tiffKind(tags: TiffTags): TiffKind | undefined {
  return tags.compression === oldJpeg ? undefined : rows.find((row) => fits(row, tags))?.kind
}

/** For a message that says why a file was refused. */
export function tiffDescription({ photometric, bits, extraSamples, sampleFormat, compression }: TiffTags): string {
  const extra = extraSamples.length > 0 ? `, ExtraSamples ${extraSamples.join(' ')}` : ''
  return (
    `PhotometricInterpretation ${photometric}, BitsPerSample ${bits.join(' ')}, SampleFormat ${sampleFormat}, ` +
    `Compression ${compression}${extra}`
  )
}
