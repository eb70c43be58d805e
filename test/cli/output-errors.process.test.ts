// What a command does when it can no longer say what it has to say.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cliProgram } from '../support/child-script.js'
import { oraclePython } from '../support/golden-modules.js'
import { temporaryFolder } from '../support/libtorch-folders.js'

const shell = (command: string) => {
  const { status, stdout, stderr } = spawnSync('bash', ['-c', command, process.execPath, cliProgram])
  return { status, stdout: String(stdout), stderr: String(stderr) }
}

test.each(['doctor', 'doctor --json', 'pull --json --offline me/none'])(
  'a full disk under the output of %s is one line and exit status 1',
  (command) => {
    const { status, stderr } = shell(`HF_HOME=/none "$0" "$1" ${command} > /dev/full`)
    const lines = stderr.trimEnd().split('\n')
    expect(lines.pop()).toBe('error: Expected standard output to be usable but the disk is full (ENOSPC)')
    expect(lines).toEqual(command.startsWith('pull') ? [expect.stringMatching(/^error: Expected .*me\/none/)] : [])
    expect(status).toBe(1)
  },
)

test('a closed terminal ends a command by SIGHUP, once its work has wound up', () => {
  const folder = temporaryFolder()
  const program = `
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
os.read(terminal, 1)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`
  const script = `
import { writeFileSync } from 'node:fs'
const { concluded } = await import(${JSON.stringify(new URL('../../dist/cli/verb-ending.js', import.meta.url).href)})
const { endOnOutputErrors } = await import(${JSON.stringify(new URL('../../dist/cli/output-errors.js', import.meta.url).href)})
endOnOutputErrors()
const timer = setInterval(() => process.stderr.write('working\\n'), 10)
await concluded((signal) => new Promise((_, reject) => {
  const end = () => {
    clearInterval(timer)
    writeFileSync(${JSON.stringify(join(folder, 'ended'))}, signal.reason)
    reject(signal.reason)
  }
  signal.addEventListener('abort', () => setTimeout(end, 200))
}), {})
`
  const args = ['-c', program, process.execPath, '--input-type=module', '--eval', script]
  const { stdout, stderr } = spawnSync(oraclePython, args, { encoding: 'utf8' })
  expect({ stdout, stderr }).toEqual({ stdout: `-1\n`, stderr: '' }) // 129 to a shell
  expect(readFileSync(join(folder, 'ended'), 'utf8')).toBe('SIGHUP')
})
