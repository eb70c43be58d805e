import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { throwIfAborted } from '../core/abort.js'

/** In hexadecimal digits. Rejects with errors of the file system, or the signal's reason. */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    throwIfAborted(signal)
    hash.update(chunk)
  }
  return hash.digest('hex')
}
