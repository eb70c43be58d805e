/** Enough to know every format by. */
export const signatureBytes = 12
const mostBytes = 2 ** 30

/** What is there until it is enough, or there is no more. */
export async function beginningOf(
  chunks: AsyncIterator<Buffer>,
  isEnough: (beginning: Buffer) => boolean,
): Promise<Buffer> {
  let beginning = Buffer.alloc(0)
  while (!isEnough(beginning)) {
    const { done, value } = await chunks.next()
    if (done) break
    beginning = Buffer.concat([beginning, value])
  }
  return beginning
}

export async function* withBeginning(beginning: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield beginning
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
}

/** Throws for more than anybody means as one image. */
export async function collected(chunks: AsyncIterable<Buffer>): Promise<Uint8Array> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of chunks) {
    size += part.length
    if (size > mostBytes) throw new Error(`it is an image of more than ${mostBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
