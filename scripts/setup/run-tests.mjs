// Runs every check and test, and adds them up in the last line: `tests: N passed, N failed`.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { command } from './command.mjs'
import { buildFolder } from './native.mjs'
import { ensureNode, newerMajors } from './newer-node.mjs'

const isSkipped = (status) => !['passed', 'failed'].includes(status)

/** A file that failed without a failed test (it did not load) counts as one failure. */
function countFile({ name, status, assertionResults }) {
  const passed = assertionResults.filter((test) => test.status === 'passed').length
  const failed = assertionResults.filter((test) => test.status === 'failed').length
  const forbidden = process.env.CI && !name.endsWith('.gpu.test.ts')
  const skipped = forbidden ? assertionResults.filter((test) => isSkipped(test.status)) : []
  for (const test of skipped) console.log(`skipped, which CI does not allow: ${name}: ${test.fullName}`)
  return { passed, failed: failed + skipped.length + (status === 'failed' && failed === 0 ? 1 : 0) }
}

function readReport(file) {
  if (!existsSync(file)) return [{ passed: 0, failed: 1 }] // vitest died before it could write
  return JSON.parse(readFileSync(file, 'utf8')).testResults.map(countFile)
}

/** `node` runs vitest and, as its process.execPath, the child processes of the tests. */
async function runVitest({ root, args, env, node = process.execPath, name = 'suite' }) {
  const report = join(root, 'build', `vitest-${name}.json`)
  mkdirSync(join(root, 'build'), { recursive: true })
  rmSync(report, { force: true })
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const options = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const { code } = await command(node, [vitest, ...options, ...args], { cwd: root, env })
  const counts = readReport(report)
  const failed = counts.reduce((sum, count) => sum + count.failed, 0)
  const passed = counts.reduce((sum, count) => sum + count.passed, 0)
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed } // an unhandled rejection belongs to no test
}

/** With FULL=1: what depends on Node itself (loading, exit, workers, signals), on newer majors, in its short form. */
async function runOnNewerNodes({ root, env, log }) {
  const total = { passed: 0, failed: 0 }
  for (const major of newerMajors) {
    const node = await ensureNode({ root, major, log })
    console.log(`smoke and process tests on Node ${major}`)
    const args = ['smoke.test.ts', '.process.test.ts', '--exclude=test/bench/**']
    const { passed, failed } = await runVitest({ root, args, env: { ...env, FULL: '' }, node, name: `node-${major}` })
    total.passed += passed
    total.failed += failed
  }
  return total
}

/** Resolves to the exit status. `args` go to vitest. */
export async function runTests({ root, minor, args, env, log }) {
  const bin = (name) => join(root, 'node_modules', '.bin', name)
  const checks = [
    ['lint: TypeScript', bin('biome'), ['check', '.']],
    ['lint: C++', process.execPath, [join(root, 'scripts', 'setup', 'clang-format.mjs')]],
    ['types', bin('tsc'), ['-p', 'tsconfig.test.json']],
    ['native tests build', 'cmake', ['--build', buildFolder(root, minor), '--target', 'native_tests']],
    ['native tests', 'ctest', ['--test-dir', buildFolder(root, minor), '--output-on-failure', '--no-tests=error']],
  ]
  const results = []
  for (const [name, program, programArgs] of checks) {
    const { code, output } = await command(program, programArgs, { cwd: root, quiet: true })
    console.log(code === 0 ? `passed: ${name}` : `${output.trimEnd()}\nfailed: ${name}`)
    results.push(code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 })
  }
  results.push(await runVitest({ root, args, env }))
  if (process.env.FULL === '1' && args.length === 0) results.push(await runOnNewerNodes({ root, env, log }))
  const passed = results.reduce((sum, result) => sum + result.passed, 0)
  const failed = results.reduce((sum, result) => sum + result.failed, 0)
  console.log(`tests: ${passed} passed, ${failed} failed`)
  return failed > 0 ? 1 : 0
}
