import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { invalidArgument, readSafely, type TorchError, torchError } from '../core/errors.js'

/** Pixels that are decoded already: rows of interleaved RGB bytes without gaps. */
export interface RawImage {
  pixels: Uint8Array | Uint8ClampedArray
  width: number
  height: number
}

/**
 * A path, a file: URL, the bytes of an encoded image (copied at the time of the call), or decoded pixels (copied too).
 */
export type ImageInput = string | URL | Uint8Array | ArrayBuffer | RawImage

/** Why an image was refused: `details.reason` of ERR_TORCH_IMAGE. */
export type ImageProblem = 'unreadable' | 'empty' | 'unsupported' | 'too large' | 'damaged' | 'shape'

/** An image of a call, checked, with the name that errors give it. */
export type NamedImage =
  | { name: string; path: string }
  | { name: string; bytes: Uint8Array }
  | { name: string; raw: { pixels: Uint8Array; width: number; height: number } }

export function imageError(reason: ImageProblem, name: string, message: string, cause?: unknown): TorchError {
  const details = { reason, image: name }
  return torchError('ERR_TORCH_IMAGE', message, cause === undefined ? { details } : { details, cause })
}

const expected = 'a path, a file: URL, the bytes of an image, or { pixels, width, height }'

function rawImage(image: RawImage, name: string): NamedImage {
  const { pixels, width, height } = image
  const isBytes = pixels instanceof Uint8Array || pixels instanceof Uint8ClampedArray
  if (!isBytes) throw invalidArgument(`the pixels of ${name}`, 'a Uint8Array', pixels)
  for (const [side, value] of Object.entries({ width, height })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw invalidArgument(`the ${side} of ${name}`, 'an integer >= 1', value)
  }
  if (pixels.length !== width * height * 3) {
    const wanted = `${width * height * 3} bytes of RGB (${width} x ${height})`
    throw torchError('ERR_TORCH_SHAPE', `Expected ${wanted} for the pixels of ${name} but received ${pixels.length}`)
  }
  return { name, raw: { pixels: new Uint8Array(pixels), width, height } }
}

/** Throws ERR_TORCH_INVALID_ARGUMENT and ERR_TORCH_SHAPE. Bytes are copied: the caller's may change meanwhile. */
function namedImage(image: unknown, name: string): NamedImage {
  if (typeof image === 'string' && image !== '' && !image.includes('\0')) return { name: `'${image}'`, path: image }
  if (image instanceof URL) return { name: `'${image.href}'`, path: fileURLToPath(image) }
  if (image instanceof ArrayBuffer) return { name, bytes: new Uint8Array(image.slice(0)) }
  if (image instanceof Uint8Array) return { name, bytes: new Uint8Array(image) }
  if (typeof image === 'object' && image !== null && 'pixels' in image) return rawImage(image as RawImage, name)
  throw invalidArgument(name, expected, image)
}

/**
 * One or several images as a list of their own; what they are is not looked at. Throws ERR_TORCH_INVALID_ARGUMENT for a
 * list that is empty, has holes, or cannot be read.
 */
export function imageList(images: unknown): ImageInput[] {
  return readSafely({ name: 'images', expected: 'images that can be read', actual: images }, () => {
    if (!Array.isArray(images)) return [images as ImageInput]
    if (images.length === 0) throw invalidArgument('images', 'at least one image', images)
    const list: ImageInput[] = []
    for (const image of images) {
      // At once: a hole may be followed by 4 billion others.
      if (image === undefined) throw invalidArgument(`image ${list.length}`, expected, image)
      list.push(image)
    }
    return list
  })
}

/**
 * One or several images, in their order; those of a list are counted from `first`. Throws ERR_TORCH_INVALID_ARGUMENT and
 * ERR_TORCH_SHAPE.
 */
export function namedImages(images: ImageInput | readonly ImageInput[], first = 0): NamedImage[] {
  const list = imageList(images)
  return list.map((image: unknown, index) => {
    const name = Array.isArray(images) ? `image ${first + index}` : 'the image'
    // A getter or a proxy of the caller may throw, a buffer be detached, or a URL be none of a file.
    return readSafely({ name, expected, actual: image }, () => namedImage(image, name))
  })
}

/** The encoded bytes. Rejects with ERR_TORCH_IMAGE. */
export async function readEncoded(image: { name: string; path: string } | { name: string; bytes: Uint8Array }) {
  if ('bytes' in image) return image.bytes
  try {
    return await readFile(image.path)
  } catch (cause) {
    const message = `Expected an image file but ${image.name} cannot be read: ${(cause as Error).message}`
    throw imageError('unreadable', image.name, message, cause)
  }
}
