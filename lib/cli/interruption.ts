/** SIGHUP: the terminal is closed, or the connection to it. */
const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
type SignalName = keyof typeof signalNumbers

const isSignalName = (value: unknown): value is SignalName =>
  typeof value === 'string' && Object.hasOwn(signalNumbers, value)

/** One press of Ctrl-C may come twice: from the terminal, and from npm or timeout. */
const samePress = 500 // ms

/** At its exit Node 20 resets the terminal, and aborts where that is closed: the signal itself comes first. */
function endBySignal(name: NodeJS.Signals): void {
  const hasTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)
  if (name === 'SIGHUP' && hasTerminal) process.once('exit', () => process.kill(process.pid, name))
}

/**
 * Runs `work` with a signal that SIGHUP, SIGINT and SIGTERM abort. Resolves to the exit status that a shell gives such an end,
 * or to undefined when `work` ended by itself. A later signal ends the process at once.
 */
export async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<number | undefined> {
  const interruption = new AbortController()
  const names = Object.keys(signalNumbers)
  let since: number | undefined
  const interrupt = (name: NodeJS.Signals) => {
    since ??= performance.now()
    if (!interruption.signal.aborted) {
      endBySignal(name)
      return interruption.abort(name)
    }
    if (performance.now() - since < samePress) return
    stopListening()
    process.kill(process.pid, name)
  }
  const stopListening = () => {
    for (const name of names) process.removeListener(name, interrupt)
  }
  for (const name of names) process.on(name, interrupt)
  try {
    await work(interruption.signal)
    return undefined
  } catch (error) {
    if (isSignalName(error) && interruption.signal.aborted) return 128 + signalNumbers[error]
    throw error
  } finally {
    stopListening()
  }
}
