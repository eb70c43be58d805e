import { isMainThread } from 'node:worker_threads'
import type { Sharp, SharpOptions } from 'sharp'
import { inDecodeSlot, inFetchSlot } from './decode-slots.js'
import { firstGifFrame, type GifFrame, paintAround } from './gif-frame.js'
import { ownBytes } from './given-bytes.js'
import { type ImageFormat, imageFormat, isGrey16Png, jpegComponents } from './image-header.js'
import { imageError, type NamedImage, readEncoded } from './image-input.js'
import { loadSharp } from './load-sharp.js'
import type { ReusedBuffer } from './reused-buffer.js'
import { type TiffKind, tiffDescription, tiffKind } from './tiff-kind.js'
import { tiffTags } from './tiff-tags.js'

/** Pillow refuses more, as a decompression bomb. */
export const defaultMaxPixels = 178_956_970

export interface DecodeOptions {
  /** Turns the image as its EXIF orientation says. Default false, as timm and Pillow (which turns a TIFF anyway). */
  autoOrient?: boolean | undefined
  /** Images with more pixels are refused before they are decoded. Default 178956970, as Pillow. */
  maxPixels?: number | undefined
}

export interface Decoded {
  samples: Uint8Array
  /** Interleaved RGB or CMYK bytes (0 is no ink), or 16-bit grey. */
  format: 'rgb' | 'cmyk' | 'grey16'
  width: number
  height: number
}

/** What sharp must give so that nothing is lost that Pillow's conversion to RGB uses. */
type Recipe = TiffKind

const refused = 'Expected a JPEG, PNG, WebP, TIFF or GIF image but'

function requireFormat(bytes: Uint8Array, name: string): ImageFormat {
  if (bytes.length === 0) throw imageError('empty', name, `${refused} ${name} is empty`)
  const format = imageFormat(bytes)
  if (format === undefined) throw imageError('unsupported', name, `${refused} ${name} is none`)
  if (format === 'bigtiff') throw imageError('unsupported', name, `${refused} ${name} is a BigTIFF`)
  return format
}

function damaged(name: string, reason: string | undefined, cause?: unknown) {
  return imageError('damaged', name, `Expected a whole image but ${name} cannot be decoded: ${reason}`, cause)
}

function tiffRecipe(bytes: Uint8Array, name: string): Recipe {
  const tags = tiffTags(bytes)
  if (tags === undefined) throw damaged(name, 'it ends before its directory does')
  const kind = tiffKind(tags)
  if (kind !== undefined) return kind
  const message = `Expected a TIFF of a kind that is decoded as Pillow does but ${name} has ${tiffDescription(tags)}`
  throw imageError('unsupported', name, message)
}

function recipeOf(bytes: Uint8Array, format: ImageFormat, name: string): Recipe {
  if (format === 'jpeg') return jpegComponents(bytes) === 4 ? 'cmyk' : 'rgb'
  if (format === 'png') return isGrey16Png(bytes) ? 'grey16' : 'rgb'
  return format === 'tiff' ? tiffRecipe(bytes, name) : 'rgb'
}

const grey16 = (image: Sharp) => image.removeAlpha().toColourspace('grey16').raw({ depth: 'ushort' })
const cmyk = (image: Sharp) => image.pipelineColourspace('cmyk').toColourspace('cmyk').removeAlpha().raw()

/** The colour profile is ignored and alpha dropped without blending, as `Image.convert('RGB')` does. */
const recipes: Record<Recipe, { decode: (image: Sharp) => Sharp; format: Decoded['format'] }> = {
  rgb: { decode: (image) => image.toColourspace('srgb').removeAlpha().raw(), format: 'rgb' },
  cmyk: { decode: cmyk, format: 'cmyk' },
  // The high bytes: quotients are exact in float, and cut off on their way to bytes.
  cmyk16: { decode: (image) => cmyk(image.linear(1 / 256, 0)), format: 'cmyk' },
  grey16: { decode: grey16, format: 'grey16' },
  // libvips makes black zero; Pillow leaves samples as they are.
  white16: { decode: (image) => grey16(image.negate({ alpha: false })), format: 'grey16' },
}

/**
 * Memory that lives until the last reading has ended. A worker that is terminated frees what other addons lent it before
 * it tells anybody that it ends; the main thread only ends when nothing is read any more.
 */
const owned = (lent: Buffer): Uint8Array => (isMainThread ? lent : new Uint8Array(lent))

/** Prepares the bytes of a GIF; undefined for other formats. */
function requireGifFrame(bytes: Uint8Array, format: ImageFormat, name: string): GifFrame | undefined {
  if (format !== 'gif') return undefined
  const frame = firstGifFrame(bytes)
  if (frame === undefined) throw damaged(name, 'it ends before its first frame does')
  // Pillow gives transparent pixels the colour that the palette has for them.
  for (const at of frame.transparencyFlags) bytes[at] = (bytes[at] ?? 0) & ~1
  return frame
}

/** libvips and sharp say so of files that may be whole; of an 'unsupported image format' where a header is damaged. */
const isUnsupported = /unsupported(?! image format)|not supported|not configured|no known route|channel limit/i

function sharpError(cause: Error, name: string, { maxPixels }: Required<DecodeOptions>) {
  const reason = (cause.message.split('\n')[0] ?? '').replace(/[:\s]+$/, '') // libvips may have nothing to add
  if (/pixel limit/.test(reason)) {
    return imageError('too large', name, `Expected an image of at most ${maxPixels} pixels but ${name} has more`, cause)
  }
  if (!isUnsupported.test(reason)) return damaged(name, reason, cause)
  return imageError('unsupported', name, `Expected a supported kind of image but ${name} is none: ${reason}`, cause)
}

async function decodeBytes(bytes: Uint8Array, name: string, options: Required<DecodeOptions>): Promise<Decoded> {
  const encoded = requireFormat(bytes, name)
  const frame = requireGifFrame(bytes, encoded, name)
  const { decode, format } = recipes[recipeOf(bytes, encoded, name)]
  const sharp = await loadSharp()
  const settings: SharpOptions = {
    ignoreIcc: true,
    failOn: 'error', // Pillow forgives what libjpeg only warns of, and nothing that is missing
    limitInputPixels: options.maxPixels,
    autoOrient: options.autoOrient || encoded === 'tiff',
  }
  try {
    const { data, info } = await decode(sharp(bytes, settings)).toBuffer({ resolveWithObject: true })
    const { width, height } = info
    if (frame !== undefined) paintAround(frame, data, width, height)
    return { samples: owned(data), format, width, height }
  } catch (cause) {
    throw sharpError(cause as Error, name, options)
  }
}

/**
 * The samples of an image, as Pillow 13 decodes them, off the JS thread; at most two images fewer at a time than libuv
 * has threads. Rejects with ERR_TORCH_IMAGE, ERR_TORCH_DEPENDENCY where sharp does not load, and with the signal's reason
 * where that is aborted before the image's turn.
 */
export function decode(image: NamedImage, options: Required<DecodeOptions>, signal: AbortSignal): Promise<Decoded> {
  if ('raw' in image) {
    const { pixels, width, height } = image.raw
    const fetch = () => ownBytes(pixels, image.name, signal)
    return inFetchSlot(async () => ({ samples: await fetch(), format: 'rgb', width, height }))
  }
  const fetch = async (memory: ReusedBuffer) => {
    signal.throwIfAborted()
    return readEncoded(image, memory, signal)
  }
  return inDecodeSlot(fetch, async (bytes) => {
    signal.throwIfAborted()
    return decodeBytes(bytes, image.name, options)
  })
}
