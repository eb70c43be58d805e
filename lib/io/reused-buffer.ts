import type { FileHandle } from 'node:fs/promises'

/** A larger file gets memory of its own, which is not kept. */
const largestKept = 2 ** 21
const step = 2 ** 16

/**
 * Memory for one file after the other. What thousands of files are read into would wait until V8 collects garbage, which it
 * seldom does where objects are small: tens of megabytes, scattered over what C has of memory.
 */
export class ReusedBuffer {
  #memory = Buffer.alloc(0)

  /** What is in a file that nobody has read from yet, valid until the next call. Rejects as `file.readFile`. */
  async read(file: FileHandle, size: number, signal: AbortSignal): Promise<Buffer> {
    if (size >= largestKept) return file.readFile({ signal })
    // One byte more than there should be shows the end.
    if (this.#memory.length <= size) this.#memory = Buffer.allocUnsafeSlow(Math.ceil((size + 1) / step) * step)
    const memory = this.#memory
    let length = 0
    while (length < memory.length) {
      signal.throwIfAborted()
      const { bytesRead } = await file.read(memory, length, memory.length - length, length)
      if (bytesRead === 0) return memory.subarray(0, length)
      length += bytesRead
    }
    return file.readFile({ signal }) // it has grown meanwhile
  }
}
