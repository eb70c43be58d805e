// What `npm run bench` is asked for is judged before it sets anything up.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryRoot } from '../support/source-files.js'

const run = join(repositoryRoot, 'scripts', 'setup', 'run.mjs')

/** On a machine that has nothing, where setting up would fail. */
const bench = (...args: string[]) => {
  const env = { PATH: '/nowhere', CXX: '/nowhere/c++', PYTHON: '/nowhere/python' }
  const { status, stderr } = spawnSync(process.execPath, [run, 'bench', ...args], { env })
  return { status, stderr: String(stderr) }
}

test.each<[string[], string]>([
  [['nope'], "Expected the name of a suite (core, preprocess, weights) but received 'nope'\n"],
  [[], "Expected the name of a suite (core, preprocess, weights) but received ''\n"],
  [['core', 'a', 'b'], "Expected a suite and at most one row but received 'b' too\n"],
])('%j is refused at once', (args, stderr) => {
  expect(bench(...args)).toEqual({ status: 1, stderr })
})

test('an unknown option too', () => {
  expect(bench('core', '--xml').stderr).toMatch(/^Unknown option '--xml'/)
})

test('a suite is not: then it sets up', () => {
  expect(bench('core').stderr).toContain('/nowhere/python')
})
