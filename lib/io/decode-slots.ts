import { environmentVariable } from '../core/environment.js'

/** libuv's own rules: 4 unless set, 1 to 1024. */
function poolThreads(): number {
  const wanted = Number.parseInt(environmentVariable('UV_THREADPOOL_SIZE') ?? '4', 10)
  return Math.min(Math.max(Number.isNaN(wanted) ? 1 : wanted, 1), 1024)
}

/** So many at a time, first come, first served. */
class Slots {
  readonly #waiting: (() => void)[] = []
  #free: number
  constructor(count: number) {
    this.#free = count
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
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
 * most two images per decoding slot are in memory in their encoded form.
 */
export function inDecodeSlot<Bytes, T>(fetch: () => Promise<Bytes>, decode: (bytes: Bytes) => Promise<T>): Promise<T> {
  return fetching.run(async () => {
    const bytes = await fetch()
    return decoding.run(() => decode(bytes))
  })
}

/** For what needs no decoding, in the same turn as the others. */
export function inFetchSlot<Bytes>(fetch: () => Promise<Bytes>): Promise<Bytes> {
  return fetching.run(fetch)
}
