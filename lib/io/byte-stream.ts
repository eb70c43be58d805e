import { invalidArgument } from '../core/errors.js'

/** Whether it says so itself: those of files, sockets, requests, responses and Blobs do. */
function isWebByteStream(value: object): boolean {
  if (!(value instanceof ReadableStream) || value.locked) return false
  try {
    value.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false // a stream of anything
  }
}

/** A stream whose chunks are pieces of bytes or text, of Node or of the web. Others may give anything, whole. */
export function isByteStream(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  try {
    return (value as { readableObjectMode?: unknown }).readableObjectMode === false || isWebByteStream(value)
  } catch {
    return false // a proxy that throws: whoever reads it as an image says so
  }
}

/** ERR_TORCH_INVALID_ARGUMENT that says how such a stream becomes an image. */
export function byteStreamError(name: string, stream: unknown, details?: { image: string }) {
  const collect = "its bytes, which 'await buffer(stream)' of 'node:stream/consumers' collects,"
  return invalidArgument(name, `${collect} instead of a byte stream`, stream, { details })
}

/** Of images or of bytes. In the place of one image it can only be its bytes. */
export function isWebStream(value: unknown): boolean {
  try {
    return value instanceof ReadableStream
  } catch {
    return false // a proxy that throws
  }
}
