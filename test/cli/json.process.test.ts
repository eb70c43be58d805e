// What --json means, for every command that has it.
import { once } from 'node:events'
import { beforeAll, describe, expect, test } from 'vitest'
import { cliProgram, runNode, startCli } from '../support/child-script.js'
import { startFakeHub } from '../support/fake-hub.js'
import { startFakeIndex } from '../support/fake-index.js'
import { bareHub } from '../support/hub-environment.js'
import { bareEnvironment } from '../support/install-environment.js'
import { temporaryFolder } from '../support/libtorch-folders.js'

const run = (args: string[], env: Record<string, string | undefined> = {}) => runNode([cliProgram, ...args], { env })

/** How each command fails before it has anything to print. `doctor` reports what is wrong, which is its result. */
const failing: Record<string, string[]> = {
  install: ['install', '--cpu', '--from', '/nowhere'],
  classify: ['classify', '--model', '/nowhere.pt', '/none.png'],
  features: ['features', '--model', '/nowhere.pt', '/none.png'],
  pull: ['pull', 'timm/tiny', '--offline'],
  inspect: ['inspect', '/nowhere.safetensors'],
}

describe('of every command that has --json', () => {
  let commands: string[]
  beforeAll(async () => {
    const { stdout } = await run(['--help'])
    const all = [...(stdout.split('Commands:')[1] ?? '').matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name as string)
    const helps = await Promise.all(all.map(async (name) => (await run([name, '--help'])).stdout))
    commands = all.filter((name, i) => name !== 'help' && /^ {2}--json/m.test(helps[i] ?? ''))
    expect(commands).toEqual(['install', 'doctor', 'classify', 'features', 'pull', 'inspect'])
  })

  test('a failure is a document with code and message on stdout, and on stderr the same as without', async () => {
    const home = temporaryFolder()
    const env = {
      ...bareEnvironment().variables,
      HF_HOME: home,
      HF_HUB_CACHE: home,
      XDG_CACHE_HOME: process.env.XDG_CACHE_HOME,
    }
    for (const name of commands.filter((name) => name !== 'doctor')) {
      const where = name === 'install' ? { ...env, XDG_CACHE_HOME: home } : env
      const args = failing[name] ?? [name, 'there is no row for it']
      const plain = await run(args, where)
      const json = await run([...args, '--json'], where)
      expect({ name, code: plain.code, stdout: plain.stdout }).toEqual({ name, code: 1, stdout: '' })
      expect(plain.stderr).toMatch(/^(.*\n)*error: Expected /)
      expect({ name, code: json.code, stderr: json.stderr }).toEqual({ name, code: 1, stderr: plain.stderr })
      const { error, ...others } = JSON.parse(json.stdout)
      expect(others).toEqual({})
      expect(error).toEqual({
        code: expect.stringMatching(/^ERR_TORCH_/),
        message: expect.stringMatching(/^Expected /),
      })
      expect(json.stderr).toContain(error.message)
    }
  })
})

test.each([
  ['install', ['--version', '1.0']],
  ['pull', ['../tiny']],
  ['features', ['--model', '', 'x']],
])('wrong arguments that %s finds itself are such a document too, with exit status 2', async (name, args) => {
  const { code, stdout } = await run([name, '--json', ...args], bareEnvironment().variables)
  expect({ code, error: JSON.parse(stdout).error.code }).toEqual({ code: 2, error: 'ERR_TORCH_INVALID_ARGUMENT' })
})

describe('an interruption', () => {
  const interrupted = { code: 'ERR_TORCH_ABORTED', message: expect.stringMatching(/^interrupted/) }

  async function interruptedOutput(
    args: string[],
    env: Record<string, string | undefined>,
    until: (stop: () => void) => void,
  ) {
    const { child, ended } = startCli([...args, '--json'], env, 'pipe')
    let stdout = ''
    child.stdout?.on('data', (chunk) => {
      stdout += chunk
    })
    until(() => void child.kill('SIGINT'))
    const [{ code }] = await Promise.all([ended, once(child, 'close')])
    return { code, output: JSON.parse(stdout) }
  }

  test('of install is a document', async () => {
    const index = await startFakeIndex()
    const end = await interruptedOutput(
      ['install', '--cpu', '--index', index.url],
      bareEnvironment().variables,
      (stop) => {
        index.respond = () => {
          stop()
          return true
        }
      },
    )
    expect(end).toEqual({ code: 130, output: { error: interrupted } })
  })

  test('of pull is a document', async () => {
    const hub = await startFakeHub()
    const end = await interruptedOutput(['pull', 'timm/tiny'], bareHub(hub).variables, (stop) => {
      hub.respond = () => {
        stop()
        return true
      }
    })
    expect(end).toEqual({ code: 130, output: { error: interrupted } })
  })
})
