import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { gitSha1OfFile } from './file-digest.js'
import { syncFolder } from './sync-folder.js'

/** Of what has come and the disk has not taken. */
const mostWaitingBytes = 4 * 2 ** 20

/** What a server said of the bytes in a partial file; they may be continued only from the same file. */
export interface PartialOrigin {
  /** An ETag or a date for If-Range. */
  validator?: string | undefined
  /** The size of the whole file. */
  total?: number | undefined
}

async function readOrigin(path: string): Promise<PartialOrigin | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  try {
    const { validator, total } = JSON.parse(text)
    return {
      ...(typeof validator === 'string' ? { validator } : {}),
      ...(Number.isSafeInteger(total) ? { total } : {}),
    }
  } catch {
    return undefined // cut off when its writer died
  }
}

/**
 * The beginning of a file that is still being fetched: `<target>.partial`, and beside it `<target>.partial.json` with
 * its origin. Both survive the process, so that another one can go on. One process at a time, by the caller's lock.
 */
export class PartialFile {
  readonly path: string
  readonly #target: string
  readonly #handle: FileHandle
  #hash: Hash
  #size: number
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #writing: Promise<void> | undefined
  #failure: { error: unknown } | undefined
  origin: PartialOrigin

  private constructor(target: string, handle: FileHandle, hash: Hash, size: number, origin: PartialOrigin) {
    this.#target = target
    this.path = `${target}.partial`
    this.#handle = handle
    this.#hash = hash
    this.#size = size
    this.origin = origin
  }

  /** Opens what an earlier attempt left, or an empty file. */
  static async open(target: string, signal?: AbortSignal): Promise<PartialFile> {
    const path = `${target}.partial`
    const origin = await readOrigin(`${path}.json`)
    const handle = await open(path, 'a+') // after a truncation too, the next bytes go to the end
    try {
      if (origin === undefined) await handle.truncate(0)
      const hash = createHash('sha256')
      let size = 0
      if (origin !== undefined) {
        for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
          signal?.throwIfAborted()
          hash.update(chunk)
          size += chunk.length
        }
      }
      return new PartialFile(target, handle, hash, size, origin ?? {})
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Received, whether the disk has them yet or not. */
  get size(): number {
    return this.#size
  }

  /** Forgets the bytes; those that follow are of `origin`. */
  async restart(origin: PartialOrigin): Promise<void> {
    await this.flush()
    await rm(`${this.path}.json`, { force: true }) // never beside bytes of another origin
    await this.#handle.truncate(0)
    await writeFile(`${this.path}.json`, JSON.stringify(origin))
    this.origin = origin
    this.#hash = createHash('sha256')
    this.#size = 0
  }

  /**
   * Takes the next bytes. The disk gets them while others come, all at once that have come meanwhile; only where it falls
   * behind does this wait for it. Rejects with what went wrong before.
   */
  async append(chunk: Buffer): Promise<void> {
    this.#requireWritten() // else these would follow bytes that are not there
    this.#waiting.push(chunk)
    this.#waitingBytes += chunk.length
    this.#size += chunk.length
    this.#writing ??= this.#write()
    this.#hash.update(chunk) // while the disk writes
    if (this.#waitingBytes > mostWaitingBytes) await this.flush()
  }

  /** Writes until nothing waits; never rejects, because nobody may be listening. */
  async #write(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const chunks = this.#waiting
        const bytes = this.#waitingBytes
        this.#waiting = []
        this.#waitingBytes = 0
        const { bytesWritten } = await this.#handle.writev(chunks)
        if (bytesWritten < bytes) await this.#handle.appendFile(Buffer.concat(chunks).subarray(bytesWritten))
      }
    } catch (error) {
      this.#failure = { error }
    } finally {
      this.#writing = undefined
    }
  }

  /** Waits until the system has all bytes so far. */
  async flush(): Promise<void> {
    await this.#writing
    this.#requireWritten()
  }

  #requireWritten(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** SHA-256 of all bytes so far, in hexadecimal digits. */
  digest(): string {
    return this.#hash.copy().digest('hex')
  }

  /** What git would call the bytes so far; read again, because the size comes before them. */
  async gitDigest(): Promise<string> {
    await this.flush()
    return gitSha1OfFile(this.path, this.#size)
  }

  /** Gives the finished file its name. */
  async finish(): Promise<void> {
    try {
      await this.flush()
      await this.#handle.sync()
    } finally {
      await this.close()
    }
    await rename(this.path, this.#target)
    await rm(`${this.path}.json`, { force: true })
    await syncFolder(dirname(this.#target))
  }

  /** What was received is kept. */
  async close(): Promise<void> {
    await this.#writing
    await this.#handle.close()
  }

  async discard(): Promise<void> {
    await this.close()
    for (const path of [`${this.path}.json`, this.path]) await rm(path, { force: true })
  }
}
