import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { throwIfAborted } from '../core/abort.js'

/** In hexadecimal digits, after what `hash` has seen. Rejects with errors of the file system, or the signal's reason. */
async function digestOfFile(path: string, hash: Hash, signal: AbortSignal | undefined): Promise<string> {
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    throwIfAborted(signal)
    hash.update(chunk)
  }
  return hash.digest('hex')
}

/** In hexadecimal digits. Rejects with errors of the file system, or the signal's reason. */
export const sha256OfFile = (path: string, signal?: AbortSignal): Promise<string> =>
  digestOfFile(path, createHash('sha256'), signal)

/** What git calls a file of this size: the SHA-1 of 'blob <size>\0' and its bytes. Rejects as `sha256OfFile`. */
export const gitSha1OfFile = (path: string, size: number, signal?: AbortSignal): Promise<string> =>
  digestOfFile(path, createHash('sha1').update(`blob ${size}\0`), signal)
