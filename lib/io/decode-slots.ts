import { environmentVariable } from '../core/environment.js'
import { ReusedBuffer } from './reused-buffer.js'

/** libuv's own rules: 4 unless set, 1 to 1024. */
function poolThreads(): number {
  const wanted = Number.parseInt(environmentVariable('UV_THREADPOOL_SIZE') ?? '4', 10)
  return Math.min(Math.max(Number.isNaN(wanted) ? 1 : wanted, 1), 1024)
}

/** So many at a time, first come, first served; each slot has memory for what is read there. */
class Slots {
  readonly #waiting: ((memory: ReusedBuffer) => void)[] = []
  readonly #free: ReusedBuffer[]
  constructor(count: number) {
    this.#free = Array.from({ length: count }, () => new ReusedBuffer())
  }

  async run<T>(work: (memory: ReusedBuffer) => Promise<T>): Promise<T> {
    const memory = this.#free.pop() ?? (await new Promise<ReusedBuffer>((resolve) => this.#waiting.push(resolve)))
    try {
      return await work(memory)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free.push(memory)
      else next(memory)
    }
  }
}

// sharp decodes on libuv's pool, which files and names need as well: two of its threads stay theirs. The pool is one per
// process, the slots are one set per thread of JS: a program that decodes in several workers fills the pool.
const count = Math.max(1, poolThreads() - 2)
const decoding = new Slots(count)
const fetching = new Slots(2 * count)

/**
 * Fetches the bytes of an image, then decodes them when a slot for that is free: no decoding slot waits for a disk, and at
 * most two images per decoding slot are in memory in their encoded form. `fetch` may put them in the memory that it is
 * given: it is the image's own until that is decoded.
 */
export function inDecodeSlot<Bytes, T>(
  fetch: (memory: ReusedBuffer) => Promise<Bytes>,
  decode: (bytes: Bytes) => Promise<T>,
): Promise<T> {
  return fetching.run(async (memory) => {
    const bytes = await fetch(memory)
    return decoding.run(() => decode(bytes))
  })
}

/** For what needs no decoding, in the same turn as the others. */
export function inFetchSlot<Bytes>(fetch: () => Promise<Bytes>): Promise<Bytes> {
  return fetching.run(fetch)
}
