/**
 * Runs `work` for every item, `width` at the same time. Where one fails, the signal of the others fires, all are waited
 * for, and the first failure is thrown.
 */
export async function inParallel<T>(
  items: readonly T[],
  { width, signal }: { width: number; signal: AbortSignal },
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const ending = new AbortController()
  const all = AbortSignal.any([signal, ending.signal])
  const waiting = items.values()
  const worker = async () => {
    for (const item of waiting) {
      all.throwIfAborted()
      await work(item, all)
    }
  }
  const workers = Array.from({ length: Math.min(width, items.length) }, () =>
    worker().catch((error) => {
      ending.abort(error)
      throw error
    }),
  )
  await Promise.allSettled(workers)
  if (ending.signal.aborted) throw ending.signal.reason
}
