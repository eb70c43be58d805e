import { withDiskErrors } from '../io/disk-error.js'
import { sayLine } from './verb-ending.js'

/** A reader such as `head` may leave before everything is written. That is no failure of ours. */
const hasLeft = ({ code }: NodeJS.ErrnoException) => code === 'EPIPE'

/** SIGHUP comes with it, and ends in good order what runs. */
const isClosedTerminal = (stream: NodeJS.WriteStream, { code }: NodeJS.ErrnoException) => stream.isTTY && code === 'EIO'

async function endOnStdoutError(error: NodeJS.ErrnoException): Promise<void> {
  if (hasLeft(error)) process.exit()
  if (isClosedTerminal(process.stdout, error)) return
  const say = ({ message }: Error) => sayLine(`error: ${message}`)
  await withDiskErrors('standard output', () => Promise.reject(error)).catch(say)
  process.exit(1)
}

/** Of what it could not say nobody can be told. */
function endOnStderrError(error: NodeJS.ErrnoException): void {
  if (!isClosedTerminal(process.stderr, error)) process.exit(hasLeft(error) ? undefined : 1)
}

/** Ends the process, with one line, where it can no longer print: the disk is full, for example. */
export function endOnOutputErrors(): void {
  process.stdout.on('error', endOnStdoutError)
  process.stderr.on('error', endOnStderrError)
}
