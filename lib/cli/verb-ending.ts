import { TorchError } from '../index.js'
import { interruptible } from './interruption.js'

/** What every command ends with; `--help` of each shows it. */
export const exitStatusText = `
Exit status: 0 when all went well, 1 when something failed, 2 for wrong arguments, 130 after SIGINT, 143 after SIGTERM.
`

/** For wrong arguments, whether commander finds them or the verb does. */
export const usageStatus = 2

/** How a command tells of an end that was not its own. */
export interface VerbEnding {
  interrupted(): void
  failed(error: TorchError): void
}

/** Runs a command's work with a signal that SIGINT and SIGTERM abort, and sets the exit status of another end. */
export async function concluded(work: (signal: AbortSignal) => Promise<void>, ending: VerbEnding): Promise<void> {
  try {
    const interrupted = await interruptible(work)
    if (interrupted === undefined) return
    process.exitCode = interrupted
    ending.interrupted()
  } catch (error) {
    if (!(error instanceof TorchError)) throw error
    process.exitCode = error.code === 'ERR_TORCH_INVALID_ARGUMENT' ? usageStatus : 1
    ending.failed(error)
  }
}
