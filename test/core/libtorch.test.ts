import { mkdirSync, symlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { addonMinors } from '../../lib/core/addon-files.js'
import { TorchError } from '../../lib/core/errors.js'
import { libtorch } from '../../lib/core/libtorch.js'
import { findLibtorch } from '../../lib/core/libtorch-find.js'
import { readLibtorchFolder } from '../../lib/core/libtorch-folder.js'
import { makeWheel, temporaryFolder, writeFile } from '../support/libtorch-folders.js'

const minor = addonMinors()[0] ?? 'none'
const noDriver = () => undefined

beforeEach(() => {
  // Nothing to be found, wherever the finder looks: each test puts there what it is about.
  vi.stubEnv('NODE_LIBTORCH_PATH', '')
  vi.stubEnv('XDG_CACHE_HOME', temporaryFolder())
  vi.stubEnv('PYTHONPATH', '')
})
afterEach(() => vi.unstubAllEnvs())

function failure(action: () => unknown): TorchError {
  try {
    action()
  } catch (error) {
    if (error instanceof TorchError) return error
    throw error
  }
  throw new Error('Expected a TorchError')
}

/** Python's answer is kept for the process, so tests about it take a fresh copy of the finder. */
async function freshFinder(): Promise<typeof findLibtorch> {
  vi.resetModules()
  return (await import('../../lib/core/libtorch-find.js')).findLibtorch
}

test('the build has an addon for at least one libtorch', () => {
  expect(addonMinors().length).toBeGreaterThan(0)
})

test('reads a site-packages folder, a torch folder, a lib folder and a symbolic link to one', () => {
  const site = makeWheel(temporaryFolder(), { version: '2.13.0+cpu' })
  const lib = join(site, 'torch', 'lib')
  const wanted = { path: lib, version: '2.13.0+cpu', minor: '2.13', variant: 'cpu' }
  const link = join(temporaryFolder(), 'link')
  symlinkSync(site, link)
  for (const folder of [site, join(site, 'torch'), lib, link, join(link, 'torch', 'lib')]) {
    expect(readLibtorchFolder(folder)).toEqual(wanted)
  }
})

test('reads an unpacked libtorch archive, and sees a CUDA build', () => {
  const folder = temporaryFolder()
  writeFile(join(folder, 'libtorch', 'build-version'), '2.14.1+cu130\n')
  for (const name of ['libtorch_cpu.so', 'libtorch_cuda.so']) writeFile(join(folder, 'libtorch', 'lib', name), '')
  const read = readLibtorchFolder(join(folder, 'libtorch'))
  expect(read).toMatchObject({ version: '2.14.1+cu130', minor: '2.14', variant: 'cuda' })
})

test('says why a folder cannot be used', () => {
  const folder = temporaryFolder()
  expect(readLibtorchFolder(join(folder, 'no'))).toBe('is not a folder')
  expect(readLibtorchFolder(folder)).toMatch(/^has no libtorch_cpu.so/)
  expect(readLibtorchFolder(writeFile(join(folder, 'file'), ''))).toBe('is not a folder')
  writeFile(join(folder, 'torch', 'lib', 'libtorch_cpu.so'), '')
  expect(readLibtorchFolder(folder)).toMatch(/^has no version/)
  writeFile(join(folder, 'torch', 'version.py'), '__version__ = "unknown"\n')
  expect(readLibtorchFolder(folder)).toMatch(/^has no version/)
})

test('looks at the option, NODE_LIBTORCH_PATH, the cache and Python, in this order', async () => {
  const version = `${minor}.0`
  const places = Object.fromEntries(
    ['option', 'environment', 'python'].map((name) => [name, makeWheel(temporaryFolder(), { version })]),
  )
  vi.stubEnv('PYTHONPATH', places.python)
  const find = await freshFinder()
  const inPython = find(undefined, noDriver)
  expect(inPython).toMatchObject({ source: 'python', path: join(places.python ?? '', 'torch', 'lib') })
  const cached = join(process.env.XDG_CACHE_HOME ?? '', 'node-libtorch', `${version}-cpu`)
  makeWheel(cached, { version })
  expect(find(undefined, noDriver)).toMatchObject({ source: 'cache', path: join(cached, 'torch', 'lib') })
  vi.stubEnv('NODE_LIBTORCH_PATH', places.environment)
  expect(find(undefined, noDriver)).toMatchObject({
    source: 'NODE_LIBTORCH_PATH',
    path: join(places.environment ?? '', 'torch', 'lib'),
  })
  const wanted = { source: 'option', path: join(places.option ?? '', 'torch', 'lib') }
  expect(find(places.option, noDriver)).toMatchObject(wanted)
  expect(find(relative(process.cwd(), places.option ?? ''), noDriver)).toMatchObject(wanted)
})

test('an option or NODE_LIBTORCH_PATH that cannot be used is an error, even where the cache has a libtorch', () => {
  makeWheel(join(process.env.XDG_CACHE_HOME ?? '', 'node-libtorch', `${minor}.0-cpu`), { version: `${minor}.0` })
  const empty = temporaryFolder()
  const byOption = failure(() => libtorch.find({ path: empty }))
  expect(byOption.code).toBe('ERR_TORCH_LIBTORCH_NOT_FOUND')
  expect(byOption.message).toContain(`option path: ${empty} has no libtorch_cpu.so`)
  expect(byOption.details?.fix).toMatch(/^correct the option path, or leave it out/)
  vi.stubEnv('NODE_LIBTORCH_PATH', empty)
  const byEnvironment = failure(() => libtorch.find())
  expect(byEnvironment.message).toContain(`NODE_LIBTORCH_PATH: ${empty} has no libtorch_cpu.so`)
  expect(byEnvironment.details?.fix).toMatch(/^correct or unset NODE_LIBTORCH_PATH/)
  expect(byEnvironment.message).not.toContain('install') // what is installed is not looked at
})

test('of the cache, takes the newest patch, and CUDA builds first only where a driver runs them', () => {
  const cache = join(process.env.XDG_CACHE_HOME ?? '', 'node-libtorch')
  for (const [name, version, cuda] of [
    [`${minor}.2-cpu`, `${minor}.2`, false],
    [`${minor}.10-cpu`, `${minor}.10`, false],
    [`${minor}.1-cu130`, `${minor}.1`, true],
    ['1.0.0-cpu', '1.0.0', false],
  ] as const) {
    makeWheel(join(cache, name), { version, cuda })
  }
  mkdirSync(join(cache, `${minor}.11-cpu.partial-1`))
  mkdirSync(join(cache, `${minor}.12-cpu`)) // somebody emptied it
  expect(findLibtorch(undefined, noDriver).version).toBe(`${minor}.10`)
  expect(findLibtorch(undefined, () => 13_000)).toMatchObject({ version: `${minor}.1`, variant: 'cuda' })
  expect(findLibtorch(undefined, () => 12_080).version).toBe(`${minor}.10`)
  makeWheel(join(cache, `${minor}.0-cu126`), { version: `${minor}.0`, cuda: true })
  expect(findLibtorch(undefined, () => 12_080)).toMatchObject({ version: `${minor}.0`, variant: 'cuda' })
})

test('finds nothing: one error lists every place with the reason, and the fix', async () => {
  const find = await freshFinder()
  const error = failure(() => find(undefined, noDriver))
  expect(error.code).toBe('ERR_TORCH_LIBTORCH_NOT_FOUND')
  expect(error.message).toContain(`cache: ${process.env.XDG_CACHE_HOME}/node-libtorch does not exist`)
  expect(error.message).toContain('Python: python3 has no torch package')
  expect(error.message).toContain(`pip install "torch==${minor}.*"`)
  expect(error.message).toContain('NODE_LIBTORCH_PATH')
  expect(error.details?.fix).toContain('pip install')
})

test('another minor version is a mismatch that names both versions and the fix', async () => {
  const site = makeWheel(temporaryFolder(), { version: '1.13.1+cpu' })
  const byOption = failure(() => libtorch.find({ path: site }))
  expect(byOption.code).toBe('ERR_TORCH_LIBTORCH_MISMATCH')
  expect(byOption.message).toContain('is libtorch 1.13.1+cpu')
  expect(byOption.message).toContain(`addons for ${addonMinors().join(', ')} only`)
  expect(byOption.message).toContain('pip install')
  vi.stubEnv('PYTHONPATH', site)
  const find = await freshFinder()
  expect(failure(() => find(undefined, noDriver)).code).toBe('ERR_TORCH_LIBTORCH_MISMATCH')
})

test('a Python that is not there is a reason like any other', async () => {
  vi.stubEnv('PATH', temporaryFolder())
  const find = await freshFinder()
  expect(failure(() => find(undefined, noDriver)).message).toMatch(/Python: python3 did not answer \(.*ENOENT/)
})

test.each([
  [{ path: 5 }, 'ERR_TORCH_INVALID_ARGUMENT'],
  [{ path: '' }, 'ERR_TORCH_INVALID_ARGUMENT'],
  [{ spin: 'fast' }, 'ERR_TORCH_INVALID_ARGUMENT'],
  [{ threads: 0 }, 'ERR_TORCH_INVALID_ARGUMENT'],
  [{ threads: 1.5 }, 'ERR_TORCH_INVALID_ARGUMENT'],
  [{ threads: Number.NaN }, 'ERR_TORCH_INVALID_ARGUMENT'],
  [{ threads: 2 ** 53 }, 'ERR_TORCH_INVALID_ARGUMENT'],
  [{ callerStacks: 1 }, 'ERR_TORCH_INVALID_ARGUMENT'],
  [{ thread: 1 }, 'ERR_TORCH_UNKNOWN_OPTION'],
  [[], 'ERR_TORCH_INVALID_ARGUMENT'],
  ['x', 'ERR_TORCH_INVALID_ARGUMENT'],
])('libtorch.boot(%j) throws %s', (options, code) => {
  // @ts-expect-error: wrong on purpose
  expect(failure(() => libtorch.boot(options))).toMatchObject({ code })
})

test.each([{ path: '/a\0b' }, { path: 'x'.repeat(100_000) }])(
  'a path that no file system has is a typed error',
  (options) => {
    expect(failure(() => libtorch.find(options)).code).toMatch(/^ERR_TORCH_/)
  },
)
