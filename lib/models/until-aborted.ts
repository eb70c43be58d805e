import { onAbort } from '../core/abort.js'
import { disown } from '../core/errors.js'

/** The signal has not fired. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, () => reject(signal.reason))
    promise.then(resolve, reject).finally(stop)
  })
}

/** What the source throws is the caller's, even where it is an error that this package made. */
async function nextOf<T>(iterator: AsyncIterator<T>): Promise<IteratorResult<T>> {
  try {
    return await iterator.next()
  } catch (error) {
    disown(error)
    throw error
  }
}

/** The same items, but the signal's reason at once when it fires, even while the source is silent. */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]()
  let reading = false
  try {
    for (;;) {
      if (signal.aborted) throw signal.reason
      reading = true
      const { done, value } = await orAborted(nextOf(iterator), signal)
      if (done) return
      reading = false
      yield value
    }
  } finally {
    // A source that ended or failed by itself needs no word; one that is silent may never answer it.
    const leaving = !reading || signal.aborted ? iterator.return?.() : undefined
    if (!reading) await leaving
    else Promise.resolve(leaving).catch(() => {})
  }
}
