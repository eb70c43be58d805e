import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describe } from '../core/describe.js'
import { torchError } from '../core/errors.js'
import { withDiskErrors } from './disk-error.js'
import { syncFolder } from './sync-folder.js'

/** One entry of a tensor's first dimension. */
export interface TensorRow {
  shape: readonly number[]
  /** Row-major. */
  values: Float32Array
}

/** What has come for one tensor, in a file of its own until all are known: the header, which counts rows, comes first. */
interface Column {
  shape: readonly number[]
  bytes: number
  path: string
  file: FileHandle
}

const sliceBytes = 2 ** 22
/** More than that no reader takes. */
const largestHeader = 100_000_000
const shapeText = (shape: readonly number[]) => `[${shape.join(', ')}]`

/** By their UTF-8, as Rust sorts texts. */
const byName = <T>(entries: Iterable<[string, T]>) =>
  [...entries].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

/**
 * As safetensors' own writer lays out tensors of one dtype: by name, metadata first, padded with spaces. Made by hand,
 * because an object does not keep the order of names such as '10'.
 */
function headerOf(columns: readonly [string, Column][], rows: number, metadata: Record<string, string>): Buffer {
  const texts = byName(Object.entries(metadata)).map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`)
  const entries = [`"__metadata__":{${texts.join(',')}}`]
  let start = 0
  for (const [name, { shape, bytes }] of columns) {
    const entry = { dtype: 'F32', shape: [rows, ...shape], data_offsets: [start, start + bytes] }
    entries.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`)
    start += bytes
  }
  const text = Buffer.from(`{${entries.join(',')}}`)
  const padded = Buffer.alloc(Math.ceil(text.length / 8) * 8, ' ')
  text.copy(padded)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  return Buffer.concat([length, padded])
}

/**
 * A safetensors file of float32 tensors [N, ...] that come row by row, N unknown and more than memory holds. Rows wait on
 * disk beside the target, which is complete or not there, and as it was until `finish`; afterwards, or after `discard`,
 * nothing else is left.
 */
export class SafetensorsRows {
  readonly #target: string
  readonly #partial: string
  readonly #file: FileHandle
  readonly #columns = new Map<string, Column>()
  #rows = 0

  private constructor(target: string, partial: string, file: FileHandle) {
    this.#target = target
    this.#partial = partial
    this.#file = file
  }

  /** Rejects with ERR_TORCH_DISK where no such file could be written. */
  static async create(target: string): Promise<SafetensorsRows> {
    const partial = `${target}.${randomUUID()}.partial`
    return withDiskErrors(target, async () => {
      const isFolder = await stat(target).then(
        (found) => found.isDirectory(),
        () => false,
      )
      if (isFolder) throw torchError('ERR_TORCH_DISK', `Expected ${target} to be usable but it is a folder`)
      return new SafetensorsRows(target, partial, await open(partial, 'wx'))
    })
  }

  /** How many rows each tensor has. */
  get rows(): number {
    return this.#rows
  }

  /**
   * The next row of every tensor, the same tensors each time. ERR_TORCH_SHAPE for other shapes, ERR_TORCH_INVALID_ARGUMENT
   * for names that the format cannot hold, ERR_TORCH_DISK.
   */
  async append(row: ReadonlyMap<string, TensorRow>): Promise<void> {
    for (const [name, { shape, values }] of row) {
      const column = this.#columns.get(name) ?? (this.#rows === 0 ? await this.#addColumn(name, shape) : undefined)
      if (column === undefined || shapeText(column.shape) !== shapeText(shape)) {
        const expected = column === undefined ? 'no such tensor' : shapeText(column.shape)
        throw torchError('ERR_TORCH_SHAPE', `Expected ${expected} for ${name} but received ${shapeText(shape)}`)
      }
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      await withDiskErrors(this.#target, () => column.file.writeFile(bytes)) // from where the last one ended
      column.bytes += bytes.length
    }
    this.#rows++
  }

  async #addColumn(name: string, shape: readonly number[]): Promise<Column> {
    if (name === '__metadata__' || /\p{Surrogate}/u.test(name)) {
      const message = `Expected another name for a tensor but received ${describe(name)}`
      throw torchError('ERR_TORCH_INVALID_ARGUMENT', message)
    }
    const path = `${this.#partial}.${this.#columns.size}`
    const column = { shape, bytes: 0, path, file: await withDiskErrors(this.#target, () => open(path, 'wx+')) }
    this.#columns.set(name, column)
    return column
  }

  /** Rejects with ERR_TORCH_DISK, ERR_TORCH_INVALID_ARGUMENT (metadata too large for the format) or the signal's reason. */
  async finish(metadata: Record<string, string>, signal?: AbortSignal): Promise<void> {
    const columns = byName(this.#columns)
    const header = headerOf(columns, this.#rows, metadata)
    if (header.length > largestHeader) {
      const message = `Expected a header of at most ${largestHeader} bytes for ${this.#target} but received ${header.length}`
      throw torchError('ERR_TORCH_INVALID_ARGUMENT', message)
    }
    await withDiskErrors(this.#target, async () => {
      await this.#file.writeFile(header)
      for (const [, column] of columns) await this.#move(column, signal)
      await this.#file.sync()
      signal?.throwIfAborted()
      await rename(this.#partial, this.#target)
      await syncFolder(dirname(this.#target))
    })
    await this.discard()
  }

  /** Each column's own file goes as soon as it is copied: so the disk need not hold all of them twice. */
  async #move({ path, file, bytes }: Column, signal: AbortSignal | undefined): Promise<void> {
    const slice = Buffer.alloc(Math.min(sliceBytes, bytes))
    for (let start = 0; start < bytes; ) {
      signal?.throwIfAborted()
      const { bytesRead } = await file.read(slice, 0, Math.min(slice.length, bytes - start), start)
      if (bytesRead === 0) {
        throw torchError('ERR_TORCH_DISK', `Expected ${path} to hold ${bytes} bytes but it ends after ${start}`)
      }
      await this.#file.writeFile(slice.subarray(0, bytesRead))
      start += bytesRead
    }
    await file.close()
    await rm(path)
  }

  /** Leaves nothing behind; after `finish` there is nothing to leave. */
  async discard(): Promise<void> {
    const files = [...this.#columns.values(), { path: this.#partial, file: this.#file }]
    this.#columns.clear()
    for (const { path, file } of files) {
      await file.close() // a second close does nothing
      await rm(path, { force: true })
    }
  }
}
