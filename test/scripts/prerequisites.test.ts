// `npm test` and `npm run demo` on a machine that lacks something: one message that names the fix, and no stack. And on
// one that lacks nothing: no delay.
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runNode } from '../support/child-script.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { mayMount, smallDisk } from '../support/small-disk.js'
import { repositoryRoot } from '../support/source-files.js'

const setup = join(repositoryRoot, 'scripts', 'setup', 'run.mjs')

/** A folder for PATH in which node is the only program. */
function bareMachine(): string {
  const folder = temporaryFolder()
  symlinkSync(process.execPath, join(folder, 'node'))
  return folder
}

test('a machine with nothing but Node is told everything at once', async () => {
  const env = { PATH: bareMachine(), CXX: undefined, PYTHON: undefined }
  const { code, stdout, stderr } = await runNode([setup, 'build'], { env })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr.trimEnd().split('\n')).toEqual([
    'This machine needs',
    expect.stringMatching(/^ {2}- a C\+\+20 compiler \('c\+\+' is none\): install g\+\+/),
    expect.stringMatching(/^ {2}- CMake 3\.24 or newer: install it/),
    expect.stringMatching(/^ {2}- Ninja or GNU make: install/),
    expect.stringMatching(/^ {2}- Python 3\.10 or newer with pip and venv \('python3' is not\): install/),
  ])
})

test.each([
  ['CXX', '/nowhere/g++', /C\+\+20 compiler \('\/nowhere\/g\+\+' is none\)/],
  ['CXX', 'true --', null],
  ['PYTHON', '/nowhere/python', /Python 3\.10 or newer with pip and venv \('\/nowhere\/python' is not\)/],
])('%s=%s', async (name, value, message) => {
  // The other of the two is broken as well, so that nothing is installed or built whatever this machine has.
  const env = { CXX: '/broken', PYTHON: '/broken', [name]: value }
  const { code, stderr } = await runNode([setup, 'demo'], { env })
  expect(code).toBe(1)
  if (message === null) expect(stderr).not.toContain('C++20')
  else expect(stderr).toMatch(message)
})

test('a cache folder that cannot be made is named', async () => {
  const { stderr } = await runNode([setup, 'build'], { env: { PYTHON: '/broken', XDG_CACHE_HOME: '/dev/null' } })
  expect(stderr).toMatch(/- a folder \/dev\/null\/node-libtorch that can be made \(ENOTDIR\): set XDG_CACHE_HOME/)
})

/** A fresh clone: nothing was set up in it. */
function freshClone(folder: string): string {
  for (const name of ['scripts', 'package.json'])
    cpSync(join(repositoryRoot, name), join(folder, name), { recursive: true })
  return join(folder, 'scripts', 'setup', 'run.mjs')
}

const diskLines = (stderr: string) => stderr.split('\n').filter((line) => line.includes('GB of free disk'))
const other = 'move the repository to another disk'
const otherCache = 'set XDG_CACHE_HOME to another place'

test.skipIf(!mayMount)('a disk without space for libtorch is told, with the fix', async () => {
  const disk = smallDisk(100)
  const env = { PYTHON: '/broken', XDG_CACHE_HOME: disk }
  const { code, stderr } = await runNode([setup, 'build'], { env })
  const place = join(disk, 'node-libtorch')
  expect(code).toBe(1)
  expect(diskLines(stderr)).toEqual([`  - 3.0 GB of free disk at ${place}, not 0.0 GB: free some, or ${otherCache}`])
})

test.skipIf(!mayMount).each([
  ['build', '1.2'],
  ['demo', '1.6'],
])('a disk without space for what %s puts into the repository is told, with the fix', async (job, gigabytes) => {
  const root = smallDisk(5000)
  const { code, stderr } = await runNode([freshClone(root), job], { env: { PYTHON: '/broken' } })
  expect(code).toBe(1)
  expect(diskLines(stderr)).toEqual([`  - ${gigabytes} GB of free disk at ${root}, not 0.0 GB: free some, or ${other}`])
})

test.skipIf(!mayMount)('a disk that both lie on needs the space of both', async () => {
  const root = smallDisk(5000)
  const cache = join(root, 'cache')
  mkdirSync(cache)
  const env = { PYTHON: '/broken', XDG_CACHE_HOME: cache }
  const { stderr } = await runNode([freshClone(root), 'build'], { env })
  expect(diskLines(stderr)).toEqual([
    `  - 4.2 GB of free disk at ${join(cache, 'node-libtorch')} and ${root}, not 0.0 GB: free some, or ${otherCache}, or ${other}`,
  ])
})

test.skipIf(!mayMount)('what was set up before needs no space', async () => {
  const root = smallDisk(5000)
  const clone = freshClone(root)
  const names = ['node_modules', 'addons', '.oracle', '.artifacts']
  for (const name of names) symlinkSync(join(repositoryRoot, name), join(root, name))
  const { code, stderr } = await runNode([clone, 'demo'], { env: { PYTHON: '/broken' } })
  expect({ code, lines: diskLines(stderr) }).toEqual({ code: 1, lines: [] })
})

test('a test run that cannot start ends with the line that counts', async () => {
  const { code, stdout } = await runNode([setup, 'test'], { env: { PYTHON: '/broken' } })
  expect(code).toBe(1)
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('tests: 0 passed, 1 failed')
})

test.each([[[]], [['nonsense']]])('an unknown job %j lists the known ones', async (args) => {
  const { code, stderr } = await runNode([setup, ...args])
  expect(code).toBe(1)
  expect(stderr).toMatch(
    /^Expected one of demo, bench, test, build, prebuild, check-libtorch but received '(nonsense)?'\n$/,
  )
})

test.each(['nope', 'classify features'])(
  'a demo that is none, %s, is told before anything is set up',
  async (names) => {
    const { code, stderr } = await runNode([setup, 'demo', ...names.split(' ')], { env: { PYTHON: '/broken' } })
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `Expected one of classify, features, resnet18, all but received '${names}'\n`,
    })
  },
)

test.each(['', '2.14', '2.14.1+cpu', 'latest'])('check-libtorch refuses the version %j', async (version) => {
  const { code, stderr } = await runNode([setup, 'check-libtorch', version])
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `Expected a torch version such as 2.14.1 but received '${version}'\n`,
  })
})

// The tree of every whole test run is set up; on another this would build for minutes.
if (process.env.FULL === '1') {
  test('a second run sets nothing up and starts its job within 5 s', async () => {
    const start = performance.now()
    const { code, stderr } = await runNode([setup, 'build'])
    const seconds = (performance.now() - start) / 1000
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' }) // a step that does something says so
    expect(seconds).toBeLessThan(5)
  })
}
