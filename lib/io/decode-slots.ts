import { environmentVariable } from '../core/environment.js'

/** libuv's own rules: 4 unless set, 1 to 1024. */
function poolThreads(): number {
  const wanted = Number.parseInt(environmentVariable('UV_THREADPOOL_SIZE') ?? '4', 10)
  return Math.min(Math.max(Number.isNaN(wanted) ? 1 : wanted, 1), 1024)
}

// sharp decodes on libuv's pool, which files and names need as well: two of its threads stay theirs.
let free = Math.max(1, poolThreads() - 2)
const waiting: (() => void)[] = []

/** Runs `work` when one of the decoding slots of this thread is free, first come, first served. */
export async function inDecodeSlot<T>(work: () => Promise<T>): Promise<T> {
  if (free > 0) free -= 1
  else await new Promise<void>((resolve) => waiting.push(resolve))
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next === undefined) free += 1
    else next()
  }
}
