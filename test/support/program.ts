import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'vitest'
import { type ChildOptions, runNode } from './child-script.js'
import { repositoryRoot } from './source-files.js'

const programsFolder = join(repositoryRoot, 'test', 'support', 'programs')
const names = [
  ...['Generator', 'Module', 'Tensor', 'libtorch', 'memory', 'ops', 'queueDepths', 'scope'],
  ...['drawingModule', 'endless', 'handles', 'matrix', 'print', 'sleep', 'slowModule'],
  ...['startHeavyWork', 'startRunning', 'until'],
].join(', ')

/** The source of `import` for a file of test/support/programs. */
export const programUrl = (name: string) => pathToFileURL(join(programsFolder, name)).href

/** Process tests are short in a plain run; with FULL=1 each runs 20 times, because races do not show at once. */
export const repeated = { repeats: process.env.FULL === '1' ? 19 : 0 }

export interface ProgramEnd extends ChildOptions {
  /** Default 0. */
  code?: number
  /** Default: none, the process ends by itself. */
  signal?: NodeJS.Signals
  /** What stderr must match. Default: it is empty. */
  stderr?: RegExp
  /** Flags of node, such as --expose-gc. */
  flags?: string[]
}

/** What abort(), glibc, libstdc++, libtorch, Node's native layer and sanitizers write when something native went wrong. */
const nativeNoise =
  /terminate called|Aborted|core dumped|FATAL|Assertion|assertion|double free|free\(\)|malloc|corrupt|mutex|c10|Segmentation|napi_|node::|runtime error|Sanitizer/

/**
 * Runs a program in a process of its own, with the names of programs/prelude.mjs in reach, and checks how it ends.
 * Returns what it printed, line by line.
 */
export async function runProgram(body: string, end: ProgramEnd = {}): Promise<unknown[]> {
  const { code = 0, signal, stderr = /^$/, flags = [], ...options } = end
  const source = `import { ${names} } from ${JSON.stringify(programUrl('prelude.mjs'))}\n${body}`
  const result = await runNode([...flags, '--input-type=module', '--eval', source], options)
  const description = `stdout: ${result.stdout}\nstderr: ${result.stderr}`
  const wanted = signal === undefined ? { code, signal: null } : { code: null, signal }
  expect({ code: result.code, signal: result.signal }, description).toEqual(wanted)
  expect(result.stderr).toMatch(stderr)
  expect(result.stderr).not.toMatch(nativeNoise)
  return result.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}
