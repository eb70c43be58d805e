/** A source that gives nothing for this long has a batch go as it is, in milliseconds. */
const patience = 10

/** Whether the promise settles in time. */
function settlesSoon(promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), patience)
    const settled = () => {
      clearTimeout(timer)
      resolve(true)
    }
    promise.then(settled, settled)
  })
}

/**
 * Groups of `size` items, or fewer where the source ends, fails or makes one wait: what has arrived is never kept back
 * for what may come. Leaving waits for a read that is under way.
 */
export async function* batchesOf<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  const iterator = items[Symbol.asyncIterator]()
  let reading: Promise<IteratorResult<T>> | undefined
  try {
    for (;;) {
      const batch: T[] = []
      try {
        while (batch.length < size) {
          reading ??= iterator.next()
          if (batch.length > 0 && !(await settlesSoon(reading))) break
          const { done, value } = await reading
          reading = undefined
          if (done) {
            if (batch.length > 0) yield batch
            return
          }
          batch.push(value)
        }
      } catch (error) {
        reading = undefined
        if (batch.length > 0) yield batch // what came before the failure
        throw error
      }
      yield batch
    }
  } finally {
    reading?.catch(() => {})
    await iterator.return?.(undefined)
  }
}
