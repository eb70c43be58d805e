import { isAborted, onAbort } from '../core/abort.js'

/**
 * Turns work that reports its progress into an async iterator of it, whose return value is the work's result. A slow
 * consumer sees the latest report of each step: `replaces` tells whether a report makes the one before it superfluous.
 * Leaving the iteration early aborts the work and waits for its end.
 */
export async function* progressStream<Progress, Result>(
  run: (report: (progress: Progress) => void, signal: AbortSignal) => Promise<Result>,
  replaces: (next: Progress, previous: Progress) => boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<Progress, Result, void> {
  const leaving = new AbortController()
  const waiting: Progress[] = []
  let wake = () => {}
  let settled = false
  const report = (progress: Progress) => {
    const previous = waiting.at(-1)
    if (previous !== undefined && replaces(progress, previous)) waiting.pop()
    waiting.push(progress)
    wake()
  }
  const abort = () => leaving.abort(signal?.reason)
  if (signal !== undefined && isAborted(signal)) abort()
  const stopListening = signal === undefined ? () => {} : onAbort(signal, abort)
  const result = run(report, leaving.signal).finally(() => {
    settled = true
    stopListening()
    wake()
  })
  const ended = result.then(
    () => {},
    () => {},
  )
  try {
    for (;;) {
      const next = waiting.shift()
      if (next !== undefined) yield next
      else if (settled) return await result
      else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    leaving.abort()
    await ended
  }
}

/** The result of such an iterator, for whoever does not look at the progress. */
export async function drained<Result>(steps: AsyncGenerator<unknown, Result, void>): Promise<Result> {
  for (;;) {
    const { done, value } = await steps.next()
    if (done) return value
  }
}
