import { isMainThread } from 'node:worker_threads'
import type { Sharp, SharpOptions } from 'sharp'
import { torchError } from '../core/errors.js'
import { inDecodeSlot } from './decode-slots.js'
import { firstGifFrame, paintAround } from './gif-frame.js'
import { type ImageFormat, imageFormat, isGrey16Png, jpegComponents } from './image-header.js'
import { imageError, type NamedImage, readEncoded } from './image-input.js'

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

type SamplesFormat = Decoded['format']

async function loadSharp() {
  try {
    return (await import('sharp')).default
  } catch (cause) {
    const message = `Expected the package sharp to decode images but it does not load: ${(cause as Error).message}`
    throw torchError('ERR_TORCH_IMAGE', message, { cause })
  }
}

const refused = 'Expected a JPEG, PNG, WebP, TIFF or GIF image but'

function requireFormat(bytes: Uint8Array, name: string): ImageFormat {
  if (bytes.length === 0) throw imageError('empty', name, `${refused} ${name} is empty`)
  const format = imageFormat(bytes)
  if (format === undefined) throw imageError('unsupported', name, `${refused} ${name} is none`)
  return format
}

/** What sharp must give so that nothing is lost that Pillow's conversion to RGB uses. */
async function samplesFormat(bytes: Uint8Array, format: ImageFormat, open: () => Sharp): Promise<SamplesFormat> {
  if (format === 'jpeg') return jpegComponents(bytes) === 4 ? 'cmyk' : 'rgb'
  if (format === 'png') return isGrey16Png(bytes) ? 'grey16' : 'rgb'
  if (format !== 'tiff') return 'rgb'
  const { space } = await open().metadata()
  return space === 'cmyk' || space === 'grey16' ? space : 'rgb'
}

/** The colour profile is ignored and alpha dropped without blending, as `Image.convert('RGB')` does. */
const recipes: Record<SamplesFormat, (image: Sharp) => Sharp> = {
  rgb: (image) => image.toColourspace('srgb').removeAlpha().raw(),
  cmyk: (image) => image.pipelineColourspace('cmyk').toColourspace('cmyk').removeAlpha().raw(),
  grey16: (image) => image.removeAlpha().toColourspace('grey16').raw({ depth: 'ushort' }),
}

/**
 * Memory that lives until the last reading has ended. A worker that is terminated frees what other addons lent it before
 * it tells anybody that it ends; the main thread only ends when nothing is read any more.
 */
const owned = (lent: Buffer): Uint8Array => (isMainThread ? lent : new Uint8Array(lent))

async function decodeBytes(bytes: Uint8Array, name: string, options: Required<DecodeOptions>): Promise<Decoded> {
  const encoded = requireFormat(bytes, name)
  const frame = encoded === 'gif' ? firstGifFrame(bytes) : undefined
  // Pillow gives transparent pixels the colour that the palette has for them.
  if (frame?.transparencyFlag !== undefined) bytes[frame.transparencyFlag] = (bytes[frame.transparencyFlag] ?? 0) & ~1
  const sharp = await loadSharp()
  const settings: SharpOptions = {
    ignoreIcc: true,
    failOn: 'error', // Pillow forgives what libjpeg only warns of, and nothing that is missing
    limitInputPixels: options.maxPixels,
    autoOrient: options.autoOrient || encoded === 'tiff',
  }
  const open = () => sharp(bytes, settings)
  try {
    const format = await samplesFormat(bytes, encoded, open)
    const { data, info } = await recipes[format](open()).toBuffer({ resolveWithObject: true })
    const { width, height } = info
    if (frame !== undefined) paintAround(frame, data, width, height)
    return { samples: owned(data), format, width, height }
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0]
    if (/pixel limit/.test(reason ?? '')) {
      const message = `Expected an image of at most ${options.maxPixels} pixels but ${name} has more`
      throw imageError('too large', name, message, cause)
    }
    throw imageError('damaged', name, `Expected a whole image but ${name} cannot be decoded: ${reason}`, cause)
  }
}

/**
 * The samples of an image, as Pillow 13 decodes them, off the JS thread; at most two images fewer at a time than libuv
 * has threads. `start` is called when a slot is free, and throws when nobody waits for the image any more.
 * Rejects with ERR_TORCH_IMAGE.
 */
export function decode(image: NamedImage, options: Required<DecodeOptions>, start: () => void): Promise<Decoded> {
  if ('raw' in image) {
    const { pixels: samples, width, height } = image.raw
    return Promise.resolve({ samples, format: 'rgb', width, height })
  }
  return inDecodeSlot(async () => {
    start()
    return decodeBytes(await readEncoded(image), image.name, options)
  })
}
