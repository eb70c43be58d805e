import { constants, createReadStream, open } from 'node:fs'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'
import { promisify } from 'node:util'
import { imageFormat } from '../io/image-header.js'
import { readFrom } from '../io/named-bytes.js'
import { beginningOf, collected, signatureBytes, withBeginning } from './image-bytes.js'

/** Opening a pipe would wait for whoever writes, where no signal reaches it. */
const flags = constants.O_RDONLY | constants.O_NONBLOCK

/** A socket waits for a pipe's writer as for anything else; devices such as /dev/zero cannot be waited for. */
async function opened(path: string, kind: 'pipe' | 'device'): Promise<Readable> {
  if (kind === 'device') return createReadStream(path, { flags: flags as never })
  return new Socket({ fd: await promisify(open)(path, flags), readable: true, writable: false })
}

/**
 * The encoded image that a pipe or a device gives, of what is none only the beginning: that is enough to refuse it, and
 * some never end. Rejects as the stream does, and with the signal's reason.
 */
export async function pipeImage(path: string, kind: 'pipe' | 'device', signal: AbortSignal): Promise<Uint8Array> {
  const stream = addAbortSignal(signal, await opened(path, kind))
  const chunks: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]()
  try {
    const beginning = await beginningOf(chunks, ({ length }) => length >= signatureBytes)
    const isImage = imageFormat(beginning) !== undefined
    return readFrom(path, isImage ? await collected(withBeginning(beginning, chunks)) : beginning)
  } finally {
    await chunks.return?.()
  }
}
