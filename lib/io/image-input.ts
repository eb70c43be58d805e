import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { types } from 'node:util'
import { invalidArgument, isOurs, readSafely, type TorchError, torchError } from '../core/errors.js'
import { withoutFileUrl } from '../core/file-path.js'
import { byteStreamError, isByteStream, isWebStream } from './byte-stream.js'
import { diskReason, fileErrorCode } from './disk-error.js'
import { ByteTaker, type GivenBytes, ownBytes } from './given-bytes.js'
import { placeOf } from './named-bytes.js'
import type { ReusedBuffer } from './reused-buffer.js'

/** Pixels that are decoded already: rows of interleaved RGB bytes without gaps. */
export interface RawImage {
  pixels: Uint8Array | Uint8ClampedArray
  width: number
  height: number
}

/**
 * A path, a file: URL (as text too), the bytes of an encoded image, or decoded pixels. Bytes and pixels are copied at the
 * time of the call up to 4 MiB of them; what goes beyond is copied when its turn comes, so leave it as it is until the call
 * has ended.
 */
export type ImageInput = string | URL | Uint8Array | ArrayBuffer | RawImage

/** Why an image was refused: `details.reason` of ERR_TORCH_IMAGE. */
export type ImageProblem = 'unreadable' | 'empty' | 'unsupported' | 'too large' | 'damaged' | 'shape'

/** An image of a call, checked, with the name that messages give it. */
export type NamedImage =
  | { name: string; path: string }
  | { name: string; given: GivenBytes }
  | { name: string; raw: { pixels: GivenBytes; width: number; height: number } }

/** What errors show of a path or address: both ends of a long one. */
const longestPlace = 200
const shortened = (place: string) =>
  place.length <= longestPlace ? place : `${place.slice(0, longestPlace / 2)}...${place.slice(-longestPlace / 2)}`

/** A path or address as messages show it. */
const quoted = (place: string) => `'${shortened(place)}'`

/** What a program is told that was named so: the path or address as messages show it, or which one of the call. */
const unquoted = (name: string) => /^'(.*)'$/s.exec(name)?.[1] ?? name

export function imageError(reason: ImageProblem, name: string, message: string, cause?: unknown): TorchError {
  const details = { reason, image: unquoted(name) }
  return torchError('ERR_TORCH_IMAGE', message, cause === undefined ? { details } : { details, cause })
}

const expected = 'a path, a file: URL, the bytes of an image, or { pixels, width, height }'

function rawImage(image: RawImage, name: string, taker: ByteTaker): NamedImage {
  const { pixels, width, height } = image
  const details = { image: name }
  const isBytes = pixels instanceof Uint8Array || pixels instanceof Uint8ClampedArray
  if (!isBytes) throw invalidArgument(`the pixels of ${name}`, 'a Uint8Array', pixels, { details })
  for (const [side, value] of Object.entries({ width, height })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw invalidArgument(`the ${side} of ${name}`, 'an integer >= 1', value, { details })
  }
  if (pixels.length !== width * height * 3) {
    const wanted = `${width * height * 3} bytes of RGB (${width} x ${height})`
    const message = `Expected ${wanted} for the pixels of ${name} but received ${pixels.length}`
    throw torchError('ERR_TORCH_SHAPE', message, { details })
  }
  return { name, raw: { pixels: taker.take(pixels), width, height } }
}

const isAddress = /^(https?:\/\/|data:[^,]{0,200},)/i

/** Linux takes names of 255 bytes in paths of 4095. */
const fitsPath = (path: string) =>
  Buffer.byteLength(path) <= 4095 && path.split('/').every((part) => Buffer.byteLength(part) <= 255)

function imageFile(place: string | URL, name: string): NamedImage {
  const details = { image: name }
  const noPath = () =>
    invalidArgument(name, 'the bytes of an image, or the path of a file, which every string is,', place, { details })
  const text = String(place)
  if (isAddress.test(text)) throw noPath()
  const path = withoutFileUrl(place) as string
  if (path === '' || path.includes('\0')) throw invalidArgument(name, expected, place, { details })
  if (!fitsPath(path)) throw noPath()
  return { name: quoted(text), path }
}

function readImage(image: unknown, name: string, taker: ByteTaker): NamedImage {
  if (typeof image === 'string' || image instanceof URL) return imageFile(image, name)
  if (image instanceof ArrayBuffer) return { name, given: taker.take(new Uint8Array(image)) }
  if (image instanceof Uint8Array) return { name, given: taker.take(image) }
  if (typeof image === 'object' && image !== null && 'pixels' in image) return rawImage(image as RawImage, name, taker)
  if (isByteStream(image) || isWebStream(image)) throw byteStreamError(name, image, { image: name })
  if (types.isPromise(image)) {
    throw invalidArgument(name, "what the promise gives ('await' it)", image, { details: { image: name } })
  }
  throw invalidArgument(name, expected, image, { details: { image: name } })
}

/**
 * One image under the name that errors give it where it has none of its own; `taker` copies its bytes. Throws
 * ERR_TORCH_INVALID_ARGUMENT and ERR_TORCH_SHAPE, with the name as `details.image`.
 */
export function namedImage(image: unknown, position: string, taker = new ByteTaker()): NamedImage {
  const place = placeOf(image)
  const name = place === undefined ? position : place === '-' ? 'standard input' : quoted(place)
  try {
    return readImage(image, name, taker)
  } catch (cause) {
    if (isOurs(cause)) throw cause
    // A getter or a proxy of the caller throws, a buffer is detached, or a URL is none of a file.
    throw invalidArgument(name, expected, image, { cause, details: { image: name } })
  }
}

/** A Set, a generator: what can be spread into an array. */
function isOtherIterable(images: unknown): boolean {
  return typeof images === 'object' && images !== null && !ArrayBuffer.isView(images) && Symbol.iterator in images
}

/**
 * One or several images as a list of their own; what they are is not looked at. Throws ERR_TORCH_INVALID_ARGUMENT for a
 * list that is empty, has holes, or cannot be read.
 */
export function imageList(images: unknown): ImageInput[] {
  return readSafely({ name: 'images', expected: 'images that can be read', actual: images }, () => {
    if (!Array.isArray(images)) {
      if (!isOtherIterable(images)) return [images as ImageInput]
      throw invalidArgument('images', "an array (spread it: '[...images]')", images)
    }
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
  const taker = new ByteTaker()
  return imageList(images).map((image: unknown, index) => {
    return namedImage(image, Array.isArray(images) ? `image ${first + index}` : 'the image', taker)
  })
}

async function readWhole(file: FileHandle, memory: ReusedBuffer, signal: AbortSignal): Promise<Buffer> {
  const found = await file.stat()
  // A pipe or a terminal may never give an end, and /dev/zero never does. Of folders the system says what it thinks.
  if (!found.isFile() && !found.isDirectory()) throw new Error('it is not a regular file')
  return memory.read(file, found.size, signal)
}

async function readFileBytes(
  { name, path }: { name: string; path: string },
  memory: ReusedBuffer,
  signal: AbortSignal,
): Promise<Buffer> {
  try {
    // Without O_NONBLOCK opening a pipe waits for somebody who writes.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return await readWhole(file, memory, signal)
    } finally {
      await file.close()
    }
  } catch (cause) {
    signal.throwIfAborted()
    const code = fileErrorCode(cause)
    const reason = code === undefined ? (cause as Error).message : diskReason(code)
    const message = `Expected an image file but ${name} cannot be read: ${reason}`
    throw imageError('unreadable', name, message, cause)
  }
}

/**
 * The encoded bytes, which are no caller's: a copy, or those of a file, in `memory`. Rejects with ERR_TORCH_IMAGE,
 * ERR_TORCH_INVALID_ARGUMENT (bytes that were detached meanwhile) and the signal's reason.
 */
export async function readEncoded(
  image: Exclude<NamedImage, { raw: unknown }>,
  memory: ReusedBuffer,
  signal: AbortSignal,
) {
  return 'given' in image ? ownBytes(image.given, image.name, signal) : readFileBytes(image, memory, signal)
}
