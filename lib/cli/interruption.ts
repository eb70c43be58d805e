const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const
type SignalName = keyof typeof signalNumbers

const isSignalName = (value: unknown): value is SignalName => value === 'SIGINT' || value === 'SIGTERM'

/**
 * Runs `work` with a signal that SIGINT and SIGTERM abort. Resolves to the exit status that a shell gives such an end,
 * or to undefined when `work` ended by itself. A second SIGINT ends the process at once.
 */
export async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<number | undefined> {
  const interruption = new AbortController()
  const interrupt = (name: NodeJS.Signals) => interruption.abort(name)
  const names = Object.keys(signalNumbers)
  for (const name of names) process.once(name, interrupt)
  try {
    await work(interruption.signal)
    return undefined
  } catch (error) {
    if (isSignalName(error) && interruption.signal.aborted) return 128 + signalNumbers[error]
    throw error
  } finally {
    for (const name of names) process.removeListener(name, interrupt)
  }
}
