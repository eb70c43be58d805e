import { setImmediate } from 'node:timers/promises'
import { invalidArgument } from '../core/errors.js'

/** What is copied at once, at the time of a call: about a millisecond of the JS thread. */
const copiedAtOnce = 4 * 2 ** 20
/** What is copied later, before the event loop turns again. */
const slice = 2 ** 20

/** Bytes that a caller gave. */
export interface GivenBytes {
  /** A copy of our own, or the caller's memory. */
  bytes: Uint8Array
  copied: boolean
  /** How many there were when they were given. */
  length: number
}

/**
 * Takes the bytes of one call, in their order: the first 4 MiB of it in all are copied now, what goes beyond is copied by
 * `ownBytes` later. Throws what reading a detached buffer throws.
 */
export class ByteTaker {
  #rest = copiedAtOnce

  take(view: Uint8Array | Uint8ClampedArray): GivenBytes {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    const { length } = bytes
    if (length > this.#rest) return { bytes, copied: false, length }
    this.#rest -= length
    return { bytes: new Uint8Array(bytes), copied: true, length }
  }
}

/**
 * Bytes that the caller can no longer change. The event loop turns after every mebibyte. Throws
 * ERR_TORCH_INVALID_ARGUMENT where the caller's buffer was detached or resized since it was given.
 */
export async function ownBytes(
  { bytes, copied, length }: GivenBytes,
  name: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (copied) return bytes
  const copy = new Uint8Array(length)
  for (let start = 0; start < length; start += slice) {
    signal.throwIfAborted()
    if (bytes.length !== length) {
      const expected = `${length} bytes that stay as they are until the call has ended`
      throw invalidArgument(name, expected, bytes, { details: { image: name } })
    }
    copy.set(bytes.subarray(start, start + slice), start)
    await setImmediate()
  }
  return copy
}
