import { writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ReusedBuffer } from '../../lib/io/reused-buffer.js'
import { temporaryFolder } from '../support/libtorch-folders.js'

const { signal } = new AbortController()

function pattern(length: number, seed: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + seed) % 251))
}

/** Reads a file of these bytes as one that had `size` of them when it was looked at. */
async function read(memory: ReusedBuffer, bytes: Buffer, size = bytes.length): Promise<Buffer> {
  const path = join(temporaryFolder(), 'file')
  writeFileSync(path, bytes)
  const file = await open(path)
  try {
    return await memory.read(file, size, signal)
  } finally {
    await file.close()
  }
}

test('files of any size are read one after the other, whole and no more than whole', async () => {
  const memory = new ReusedBuffer()
  for (const [seed, size] of [70_000, 3, 0, 65_536, 65_535, 3_000_000, 2 ** 21, 100].entries()) {
    const bytes = pattern(size, seed)
    expect((await read(memory, bytes)).equals(bytes)).toBe(true)
  }
})

test('small files share memory, a large one has its own', async () => {
  const memory = new ReusedBuffer()
  const first = await read(memory, pattern(1000, 1))
  const second = await read(memory, pattern(900, 2))
  expect(second.buffer).toBe(first.buffer)
  expect((await read(memory, pattern(2 ** 21, 3))).buffer).not.toBe(first.buffer)
  expect((await read(memory, pattern(10, 4))).buffer).toBe(first.buffer)
})

test('a file that has become longer or shorter since it was looked at is read as it is', async () => {
  const longer = pattern(200_000, 5)
  expect((await read(new ReusedBuffer(), longer, 10)).equals(longer)).toBe(true)
  const shorter = pattern(10, 6)
  expect((await read(new ReusedBuffer(), shorter, 200_000)).equals(shorter)).toBe(true)
})

test('an aborted read rejects with the reason', async () => {
  const path = join(temporaryFolder(), 'file')
  writeFileSync(path, pattern(10, 7))
  const file = await open(path)
  const reason = new Error('enough')
  await expect(new ReusedBuffer().read(file, 10, AbortSignal.abort(reason))).rejects.toBe(reason)
  await file.close()
})
