import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { stepLines } from '../../lib/cli/step-progress.js'
import type { InstallProgress } from '../../lib/io/libtorch-install.js'
import { cliProgram, runNode, startCli } from '../support/child-script.js'
import { etagOf, type FakeIndex, sendWheel, startFakeIndex } from '../support/fake-index.js'
import { fakeTorch, fakeWheel, saveWheel } from '../support/fake-wheel.js'
import { bareEnvironment, filesIn, minor } from '../support/install-environment.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { mayMount, readOnlyFolder, smallDisk } from '../support/small-disk.js'

const version = `${minor}.0`
const wheel = fakeTorch({ version: `${version}+cpu`, size: 1_500_000 })
const library = `${version}-cpu/torch/lib/libtorch_cpu.so`

let environment: ReturnType<typeof bareEnvironment>
beforeEach(() => {
  environment = bareEnvironment()
})

const quick = ['--cpu', '--retries', '2', '--timeout', '5']
const install = (args: string[], env = {}) =>
  runNode([cliProgram, 'install', ...quick, ...args], { env: { ...environment.variables, ...env } })

/** An installation that the test can end. */
const startInstall = (args: string[]) => startCli(['install', ...quick, ...args], environment.variables)

/** Sends the first million bytes of a wheel, and then nothing until `release` is called. */
function stallInTheMiddle(index: FakeIndex, onStall: () => void): void {
  index.respond = (request, response, served) => {
    if (served === undefined || request.headers.range !== undefined) return false
    response.writeHead(200, { etag: etagOf(served), 'content-length': served.bytes.length })
    response.write(served.bytes.subarray(0, 1_000_000), () => setTimeout(onStall, 500))
    return true
  }
}

test('installs from an index, and says where', async () => {
  const index = await startFakeIndex(wheel)
  const { code, stdout, stderr } = await install(['--index', index.url])
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `installed: libtorch ${version}+cpu (cpu) in ${join(environment.cache, `${version}-cpu`)}\n`,
  })
  expect(stderr).toMatch(/^looking for torch .*\ndownloading torch-.*\n[\s\S]*unpacking torch-.* 100 %\n$/)
  expect(existsSync(join(environment.cache, library))).toBe(true)
  const again = await install(['--index', index.url, '--json', '--version', minor])
  expect(JSON.parse(again.stdout)).toMatchObject({ installed: true, fresh: false, version: `${version}+cpu` })
  expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: '' })
})

test('installs from a folder where there is no network', async () => {
  const folder = temporaryFolder()
  saveWheel(folder, wheel)
  const { code, stdout } = await install(['--from', folder, '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ installed: true, fresh: true, variant: 'cpu' })
})

test('a failure is one message that names places and fix, with exit status 1', async () => {
  const index = await startFakeIndex()
  const { code, stdout, stderr } = await install(['--index', index.url])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/error: Expected a wheel of torch .*\n {2}- http:.*\nFix: .*--find-links/)
  expect(stderr).not.toContain('    at ')
})

test.each([
  [['--cuda'], /cannot be used with option/],
  [['--retries', 'many'], /Expected a number/],
  [
    ['--version', 'latest'],
    /option '--version <version>' argument 'latest' is invalid. Expected a version such as '2.13'/,
  ],
  [['--retries', '-1'], /option '--retries <number>' argument '-1' is invalid. Expected .* >= 0\./],
  [['--nonsense'], /unknown option/],
  [['nonsense'], /too many arguments/],
])('%j is refused with exit status 2', async (args, message) => {
  const { code, stdout, stderr } = await install(args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(message)
})

test('a process that is killed in the middle of a download leaves nothing to be found, and the next goes on', async () => {
  const index = await startFakeIndex(wheel)
  const { child, ended } = startInstall(['--index', index.url])
  stallInTheMiddle(index, () => child.kill('SIGKILL'))
  expect(await ended).toMatchObject({ signal: 'SIGKILL' })
  expect(readdirSync(environment.cache).sort()).toEqual(['downloads', 'install.lock'])
  index.respond = () => false
  const { code } = await install(['--index', index.url])
  expect(code).toBe(0)
  const [start] = index.requests.flatMap(({ range }) => /^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? [])
  expect(Number(start)).toBeGreaterThan(900_000)
  expect(readdirSync(environment.cache)).toEqual([`${version}-cpu`])
})

test('a process that is killed at any time leaves nothing half-finished to be found', async () => {
  const index = await startFakeIndex(wheel)
  const rounds = process.env.FULL === '1' ? 60 : 6
  for (let round = 0; round < rounds; round++) {
    const { child, ended } = startInstall(['--index', index.url, '--force'])
    setTimeout(() => child.kill('SIGKILL'), 150 + (round * 450) / rounds)
    await ended
    const folder = join(environment.cache, `${version}-cpu`)
    if (existsSync(folder)) expect(statSync(join(environment.cache, library)).size).toBe(1_500_000)
  }
  const { code, stderr } = await install(['--index', index.url, '--force'])
  expect(code, stderr).toBe(0)
  expect(readdirSync(environment.cache)).toEqual([`${version}-cpu`])
})

test.each([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends a download cleanly with exit status %i', async (signal, code) => {
  const index = await startFakeIndex(wheel)
  const { child, ended } = startInstall(['--index', index.url])
  stallInTheMiddle(index, () => child.kill(signal))
  const end = await ended
  expect(end).toMatchObject({ code, signal: null, stderr: expect.stringContaining('interrupted') })
  expect(end.stderr).not.toContain('    at ')
  expect(readdirSync(environment.cache)).toEqual(['downloads'])
})

test('interrupted while it unpacks a wheel of this machine, it promises nothing, for nothing is kept', async () => {
  const folder = temporaryFolder()
  saveWheel(folder, fakeTorch({ version: `${version}+cpu`, size: 60_000_000 }))
  const { child, ended } = startInstall(['--from', folder])
  child.stderr?.on('data', (chunk) => {
    if (String(chunk).includes('unpacking')) child.kill('SIGHUP')
  })
  expect(await ended).toMatchObject({ code: 129, stderr: expect.stringMatching(/\ninterrupted\n$/) })
  expect(filesIn(environment.cache)).toEqual([])
})

test('of two at once one waits for the other, and downloads nothing', async () => {
  const index = await startFakeIndex(wheel)
  index.respond = (request, response, served) => {
    if (served === undefined) return false
    setTimeout(() => sendWheel(request, response, served), 1500)
    return true
  }
  const runs = await Promise.all([1, 2, 3].map(() => install(['--index', index.url])))
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
  expect(runs.map(({ stdout }) => stdout.split(':')[0]).sort()).toEqual([
    ...['already installed', 'already installed', 'installed'],
  ])
  expect(runs.filter(({ stderr }) => /waiting: process \d+ is installing/.test(stderr))).toHaveLength(2)
  expect(index.requests.filter(({ path }) => path.endsWith('.whl'))).toHaveLength(1)
  expect(filesIn(environment.cache).every((path) => path.startsWith(`${version}-cpu/`))).toBe(true)
})

test.skipIf(!mayMount)('a disk that is too small is told before anything is downloaded', async () => {
  const index = await startFakeIndex(wheel)
  const { code, stderr } = await install(['--index', index.url], { XDG_CACHE_HOME: smallDisk(2000) })
  expect(code).toBe(1)
  expect(stderr).toMatch(/error: Expected 5\.\d MB of free disk space for .* but found 2\.0 MB/)
})

test.skipIf(!mayMount)('a disk that is too small for all wheels of a CUDA build is told before the first', async () => {
  const libraries = ['nvidia-cudnn-cu13', 'nvidia-cuda-runtime'].map((project) =>
    fakeWheel({
      ...{ project, version: '13.0', tags: 'py3-none-any' },
      entries: [{ name: `nvidia/${project}/lib/x.so`, data: randomBytes(1_500_000) }],
    }),
  )
  const requires = ['nvidia-cudnn-cu13', 'nvidia-cuda-runtime']
  const index = await startFakeIndex(fakeTorch({ version, cuda: '13.0', requires, size: 1_500_000 }), ...libraries)
  index.servesMetadata = true
  const env = { ...environment.variables, XDG_CACHE_HOME: smallDisk(8000) } // one after another, two would find space
  const { code, stderr } = await runNode([cliProgram, 'install', '--cuda', '--index', index.url], { env })
  expect(code).toBe(1)
  expect(stderr).toMatch(/error: Expected 15\.\d MB of free disk space for .* but found 8\.\d MB/)
  expect(stderr).not.toContain('downloading')
})

test.skipIf(!mayMount)(
  'a disk that fills up in the middle ends in a message, not in a half-finished file',
  async () => {
    const index = await startFakeIndex(wheel)
    index.respond = (_, response, served) => {
      if (served !== undefined) response.writeHead(200).end(served.bytes) // of unknown length, so nothing can be reserved
      return served !== undefined
    }
    const disk = smallDisk(800)
    const { code, stderr } = await install(['--index', index.url], { XDG_CACHE_HOME: disk })
    expect(code).toBe(1)
    expect(stderr).toMatch(/error: Expected .*\.partial to be usable but the disk is full \(ENOSPC\)\n$/)
    expect(filesIn(disk).filter((path) => path.endsWith('.whl') || path.endsWith('.lock'))).toEqual([])
  },
)

test('a cache that cannot be written to is named', async () => {
  const folder = readOnlyFolder()
  const { code, stderr } = await install(['--from', '/'], { XDG_CACHE_HOME: folder })
  expect(code).toBe(1)
  expect(stderr).toMatch(/^error: Expected .*node-libtorch to be usable but .* \((EROFS|EACCES)\)\n$/)
  expect(stderr).toContain(folder)
})

test('plain progress is a line for each step and each quarter', () => {
  const lines: string[] = []
  const view = stepLines((line) => lines.push(line))
  const steps: InstallProgress[] = [
    { phase: 'search', subject: 'torch' },
    ...[0, 1, 30, 49, 51, 99, 100].map((done) => ({
      ...{ phase: 'download' as const, subject: 'a.whl', done: done * 1e6, total: 100e6 },
    })),
    { phase: 'retry', subject: 'reset' },
    { phase: 'retry', subject: 'reset' },
  ]
  for (const step of steps) view.show(step)
  expect(lines).toEqual([
    ...['looking for torch', 'downloading a.whl (100.0 MB)', 'downloading a.whl: 25 %', 'downloading a.whl: 50 %'],
    ...['downloading a.whl: 75 %', 'downloading a.whl: 100 %', 'trying again: reset', 'trying again: reset'],
  ])
})

test('on a terminal there is one bar, and the terminal is left as it was', async () => {
  const folder = temporaryFolder()
  saveWheel(folder, wheel)
  const command = [process.execPath, cliProgram, 'install', ...quick, '--from', folder].join(' ')
  const env = { ...process.env, NODE_OPTIONS: undefined, ...environment.variables, TERM: 'xterm' }
  const child = spawn('script', ['-qec', command, '/dev/null'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for await (const chunk of child.stdout) output += chunk
  expect(output).toMatch(/unpacking torch-.* \[.*\] 100 %/)
  expect(output.lastIndexOf('\x1b[?25h')).toBeGreaterThan(output.lastIndexOf('\x1b[?25l'))
  expect(output).toContain('installed: libtorch')
})

test('--help shows examples', async () => {
  const { code, stdout } = await runNode([cliProgram, 'install', '--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('Examples:\n  $ npx node-libtorch install\n')
})
