import { createWriteStream } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'
import type { Entry, ZipFile } from 'yauzl'
import { TorchError, torchError } from '../core/errors.js'
import { withDiskErrors } from './disk-error.js'

/** A wheel is a zip archive of files below site-packages. */
export interface WheelContents {
  /** The text of `*.dist-info/METADATA`. */
  metadata(): Promise<string>
  files: readonly WheelFile[]
  /**
   * Writes a file below `folder`, checks its CRC-32 and flushes it to disk. ERR_TORCH_INSTALL where it is damaged,
   * ERR_TORCH_DISK, `signal.reason`.
   */
  extract(file: WheelFile, folder: string, options: ExtractOptions): Promise<void>
}

export interface WheelFile {
  /** Relative to site-packages, with '/' and without '..'. */
  path: string
  /** In bytes, unpacked. */
  size: number
}

export interface ExtractOptions {
  signal: AbortSignal
  onProgress: (bytes: number) => void
}

const largestMetadata = 16 * 2 ** 20

function damaged(path: string, reason: string, cause?: unknown): TorchError {
  const message = `Expected ${path} to be a sound wheel but ${reason}`
  return torchError('ERR_TORCH_INSTALL', message, { details: { path }, cause })
}

/** Errors of yauzl and zlib, and of no file system, mean a damaged archive. */
async function reading<T>(path: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await withDiskErrors(path, work)
  } catch (cause) {
    signal?.throwIfAborted()
    if (!(cause instanceof Error) || cause instanceof TorchError) throw cause
    throw damaged(path, `it cannot be read: ${cause.message}`, cause)
  }
}

const isLink = ({ externalFileAttributes }: Entry) => ((externalFileAttributes >>> 16) & 0o170000) === 0o120000

/** yauzl refuses absolute names, backslashes and '..' in any entry, used or not. */
async function readEntries(path: string, zip: ZipFile): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  for await (const entry of zip.eachEntry()) {
    if (entry.fileName.endsWith('/')) continue
    if (isLink(entry)) throw damaged(path, `it holds a symbolic link, ${JSON.stringify(entry.fileName)}`)
    if (entries.has(entry.fileName)) throw damaged(path, `it holds ${JSON.stringify(entry.fileName)} twice`)
    entries.set(entry.fileName, entry)
  }
  return entries
}

async function readMetadata(path: string, zip: ZipFile, entries: Map<string, Entry>): Promise<string> {
  const entry = [...entries.values()].find(({ fileName }) => /^[^/]+\.dist-info\/METADATA$/.test(fileName))
  if (entry === undefined || entry.uncompressedSize > largestMetadata) throw damaged(path, 'it has no METADATA')
  const chunks: Buffer[] = []
  for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function extractEntry(zip: ZipFile, entry: Entry, target: string, options: ExtractOptions): Promise<boolean> {
  let checksum = 0
  const check = new Transform({
    transform(chunk: Buffer, _, done) {
      checksum = crc32(chunk, checksum)
      options.onProgress(chunk.length)
      done(null, chunk)
    },
  })
  const source = await zip.openReadStreamPromise(entry)
  await withDiskErrors(target, async () => {
    await mkdir(dirname(target), { recursive: true })
    await pipeline(source, check, createWriteStream(target, { flags: 'wx' }), { signal: options.signal })
    await syncFile(target)
  })
  return checksum === entry.crc32
}

/** Opens a wheel for the time of `work`. ERR_TORCH_INSTALL where it is no sound archive, ERR_TORCH_DISK. */
export async function withWheel<T>(path: string, work: (wheel: WheelContents) => Promise<T>): Promise<T> {
  const { openPromise } = await import('yauzl')
  const zip = await reading(path, () =>
    openPromise(path, { lazyEntries: true, autoClose: false, strictFileNames: true }),
  )
  try {
    const entries = await reading(path, () => readEntries(path, zip))
    return await work({
      metadata: () => reading(path, () => readMetadata(path, zip, entries)),
      files: [...entries.values()].map(({ fileName, uncompressedSize }) => ({
        path: fileName,
        size: uncompressedSize,
      })),
      async extract(file, folder, options) {
        const entry = entries.get(file.path)
        if (entry === undefined) throw damaged(path, `it has no ${file.path}`)
        const target = join(folder, ...file.path.split('/'))
        const sound = await reading(path, () => extractEntry(zip, entry, target, options), options.signal)
        if (!sound) throw damaged(path, `the CRC-32 of ${file.path} is wrong`)
      },
    })
  } finally {
    zip.close()
  }
}
