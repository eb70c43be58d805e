import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { repositoryRoot } from './source-files.js'

export interface ChildResult {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface ChildOptions {
  env?: Record<string, string | undefined>
  cwd?: string
  timeoutMilliseconds?: number
  /** Sends the signal `after` milliseconds (default 0) after the text has appeared on stdout. */
  kill?: { signal: NodeJS.Signals; when: string; after?: number }
}

/** The compiled package, for `import` in the source of a child script. */
export const distIndex = join(repositoryRoot, 'dist', 'index.js')
export const cliProgram = join(repositoryRoot, 'dist', 'cli', 'main.js')

/** Runs `node ...args`; variables of `env` that are undefined are taken away. A hang ends with SIGKILL. */
export function runNode(args: string[], options: ChildOptions = {}): Promise<ChildResult> {
  const { env, cwd = repositoryRoot, timeoutMilliseconds = 25_000, kill } = options
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd,
      env: { ...process.env, NODE_OPTIONS: undefined, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    let sending: NodeJS.Timeout | undefined
    child.stdout.on('data', (chunk) => {
      stdout += chunk
      if (kill !== undefined && stdout.includes(kill.when)) {
        sending ??= setTimeout(() => child.kill(kill.signal), kill.after ?? 0)
      }
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMilliseconds)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      clearTimeout(sending)
      resolve({ code, signal, stdout, stderr })
    })
  })
}

/** A command of the package's that the test can end; `ended` resolves to how it ended. */
export function startCli(
  args: string[],
  variables: Record<string, string | undefined>,
  stdout: 'ignore' | 'pipe' = 'ignore',
) {
  const child = spawn(process.execPath, [cliProgram, ...args], {
    env: { ...process.env, NODE_OPTIONS: undefined, ...variables },
    stdio: ['ignore', stdout, 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stderr = ''
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stderr }))
  })
  return { child, ended }
}

/** Runs ES module source text in a process of its own. */
export function runScript(source: string, options?: ChildOptions): Promise<ChildResult> {
  return runNode(['--input-type=module', '--eval', source], options)
}
