// Runs one measurement in a process of its own: it prints JSON in its last line.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A row that this machine cannot run; the message says why. */
export class CannotRunHere extends Error {}

/**
 * Resolves to {result, wallMs}. A child that fails, dies or takes longer than `timeoutSeconds` is an error with the end
 * of what it said.
 */
export async function measureInChild(program, args, { cwd, env, timeoutSeconds = 120 }) {
  const start = performance.now()
  try {
    const { stdout } = await run(program, args, {
      cwd,
      env: { ...process.env, ...env },
      timeout: timeoutSeconds * 1000,
      killSignal: 'SIGKILL',
      maxBuffer: 64 * 2 ** 20,
    })
    const wallMs = performance.now() - start
    return { result: JSON.parse(stdout.trimEnd().split('\n').at(-1)), wallMs }
  } catch (error) {
    if (!('stderr' in error)) throw error
    const ending = error.killed ? `no end after ${timeoutSeconds} s` : (error.signal ?? `exit code ${error.code}`)
    const said = `${error.stdout}${error.stderr}`.trimEnd().split('\n').slice(-8).join('\n')
    throw new Error(`${[program, ...args].join(' ')}: ${ending}\n${said}`, { cause: error })
  }
}
