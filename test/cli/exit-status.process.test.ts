// What holds for every command, those included that do not exist yet.
import { beforeAll, describe, expect, test } from 'vitest'
import { cliProgram, runNode } from '../support/child-script.js'

const exitStatuses =
  /\nExit status: 0 when all went well, 1 .*, 2 for wrong arguments, 129 after SIGHUP, 130 after SIGINT,\n143 after/

const run = (...args: string[]) => runNode([cliProgram, ...args])

describe('of every command that --help lists', () => {
  let commands: string[]
  beforeAll(async () => {
    const { code, stdout } = await run('--help')
    expect(code).toBe(0)
    expect(stdout).toMatch(exitStatuses)
    commands = [...(stdout.split('Commands:')[1] ?? '').matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name as string)
    expect(commands).toEqual(expect.arrayContaining(['install', 'doctor', 'classify', 'help']))
  })

  test('an unknown option is refused with exit status 2', async () => {
    for (const name of commands.filter((name) => name !== 'help')) {
      const { code, stdout, stderr } = await run(name, '--nonsense')
      expect({ name, code, stdout }).toEqual({ name, code: 2, stdout: '' })
      expect(stderr).toMatch(/^error: unknown option '--nonsense'/)
    }
  })

  test('--help tells the exit statuses, with exit status 0', async () => {
    for (const name of commands) {
      const { code, stdout, stderr } = name === 'help' ? await run('help', 'doctor') : await run(name, '--help')
      expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' })
      expect(stdout).toMatch(exitStatuses)
    }
  })
})

test.each<[string[], RegExp]>([
  [[], /^Usage: node-libtorch/],
  [['nonsense'], /^error: unknown command 'nonsense'/],
  [['--nonsense'], /^error: unknown option '--nonsense'/],
  [['doctr'], /Did you mean doctor\?/],
  [['doctor', 'nonsense'], /^error: too many arguments/],
])('%j is refused with exit status 2', async (args, message) => {
  const { code, stdout, stderr } = await run(...args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(message)
})
