import type { Readable } from 'node:stream'
import { imageFormat } from '../io/image-header.js'
import { readFrom } from '../io/named-bytes.js'
import { beginningOf, collected, signatureBytes, withBeginning } from './image-bytes.js'

const neither = 'it is neither an image nor a list of paths'

/** Two NULs in a row enclose no path, and paths are UTF-8 here. */
function isListBetweenNulls(text: Buffer): boolean {
  if (text[0] === 0 || text.includes('\0\0')) return false
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(text, { stream: true }) // the last character may be cut
    return true
  } catch {
    return false
  }
}

/** It is clear what it is: a list may come slowly, and each path is wanted at once. */
const isClear = (beginning: Buffer) =>
  beginning.length >= signatureBytes || beginning.includes('\n') || beginning.includes(0)

async function* pathsIn(chunks: AsyncIterable<Buffer>, separator: '\n' | '\0'): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  const pathOf = (entry: string) => {
    const path = separator === '\n' ? entry.replace(/\r$/, '') : entry
    if (!path.includes('\0')) return path
    throw new Error(neither)
  }
  for await (const chunk of chunks) {
    const entries = `${rest}${decoder.decode(chunk, { stream: true })}`.split(separator)
    rest = entries.pop() ?? ''
    for (const entry of entries) yield pathOf(entry)
  }
  yield pathOf(rest)
}

/**
 * What standard input has: one image, whole, or paths as they come, one per line or with NUL between them (find -print0).
 * Throws, as the stream does, where it has neither.
 */
export async function* stdinImages(stdin: Readable): AsyncGenerator<Uint8Array | string> {
  const chunks: AsyncIterator<Buffer> = stdin[Symbol.asyncIterator]()
  try {
    const beginning = await beginningOf(chunks, isClear)
    const whole = withBeginning(beginning, chunks)
    if (imageFormat(beginning) !== undefined) {
      yield readFrom('-', await collected(whole))
      return
    }
    const hasNulls = beginning.includes(0)
    if (hasNulls && !isListBetweenNulls(beginning)) throw new Error(neither)
    for await (const path of pathsIn(whole, hasNulls ? '\0' : '\n')) if (path !== '') yield path
  } finally {
    await chunks.return?.()
  }
}
