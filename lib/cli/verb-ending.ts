import { TorchError } from '../index.js'
import { interruptible } from './interruption.js'
import { type Failure, failureDocument, printJson } from './json-output.js'

/** What every command ends with; `--help` of each shows it. */
export const exitStatusText = `
Exit status: 0 when all went well, 1 when something failed, 2 for wrong arguments, 129 after SIGHUP, 130 after SIGINT,
143 after SIGTERM.
With --json stdout is one JSON document. A failure is {"error": {"code", "message"}}, or the last element of an array that
had begun; stderr is for people in any case.
`

/** For wrong arguments, whether commander finds them or the verb does. */
export const usageStatus = 2

/** How a command tells of an end that was not its own. */
export interface VerbEnding {
  json: boolean | undefined
  /** Default: on stderr. */
  say?: (line: string) => void
  /** What is said after SIGHUP, SIGINT and SIGTERM. Default: 'interrupted'. */
  interrupted?: () => string
  /** Called with --json only. Default: prints the document of a failure. */
  printFailure?: (failure: Failure) => void
}

/** For `interrupted`, where what was downloaded is kept. */
export const goesOn = () => 'interrupted: the same command goes on where it was'

export function sayLine(line: string): void {
  process.stderr.write(`${line}\n`)
}

/**
 * Runs a command's work with a signal that SIGHUP, SIGINT and SIGTERM abort. Says why it did not end by itself, on stderr and
 * with --json on stdout too, and sets the exit status.
 */
export async function concluded(work: (signal: AbortSignal) => Promise<void>, ending: VerbEnding): Promise<void> {
  const { json, say = sayLine, interrupted = () => 'interrupted' } = ending
  const { printFailure = (failure) => printJson(failureDocument(failure)) } = ending
  const fail = (status: number, line: string, failure: Failure) => {
    process.exitCode = status
    say(line)
    if (json) printFailure(failure)
  }
  try {
    const status = await interruptible(work)
    if (status === undefined) return
    const message = interrupted()
    fail(status, message, { code: 'ERR_TORCH_ABORTED', message })
  } catch (error) {
    if (!(error instanceof TorchError)) throw error
    const status = error.code === 'ERR_TORCH_INVALID_ARGUMENT' ? usageStatus : 1
    fail(status, `error: ${error.message}`, error)
  }
}
