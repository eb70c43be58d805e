// Runs a child process; the signals that reach this process reach the child too.
import { spawn } from 'node:child_process'

/** A set-up failure whose message is all that the reader needs. */
export class SetupError extends Error {}

const children = new Set()
let interruptedBy

for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
]) {
  process.on(signal, () => {
    interruptedBy = 128 + number
    // A terminal has already sent Ctrl-C to the whole process group.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) for (const child of children) child.kill(signal)
    if (children.size === 0) process.exit(interruptedBy)
  })
}

/**
 * Resolves to {code, output}. `quiet` collects the output (stdout and stderr together) instead of showing it;
 * code 127 means that the program does not exist. Exits with 128 + signal once the child of an interrupted run ended.
 */
export function command(program, args, { quiet = false, cwd, env, cleanup } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    })
    const chunks = []
    child.stdout?.on('data', (chunk) => chunks.push(chunk))
    child.stderr?.on('data', (chunk) => chunks.push(chunk))
    children.add(child)
    const finish = (code) => {
      if (!children.delete(child)) return
      if (interruptedBy !== undefined) {
        cleanup?.()
        process.exit(interruptedBy)
      }
      resolve({ code, output: Buffer.concat(chunks).toString() })
    }
    child.on('error', () => finish(127))
    child.on('close', (code) => finish(code ?? 1))
  })
}

/** Runs quietly; on failure the collected output and `failure` are the error. */
export async function commandOrFail(program, args, failure, options) {
  const { code, output } = await command(program, args, { ...options, quiet: true })
  if (code === 0) return output
  options?.cleanup?.()
  throw new SetupError(`${output.trimEnd()}\n${failure} (${program} exited with ${code})`)
}
