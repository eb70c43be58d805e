import { getEventListeners } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { findLibtorch } from '../../lib/core/libtorch-find.js'
import { driverCuda } from '../../lib/core/native.js'
import type { InstallOptions } from '../../lib/io/install-options.js'
import { findCached } from '../../lib/io/libtorch-cache.js'
import { type InstallProgress, installLibtorch } from '../../lib/io/libtorch-install.js'
import { thisMachine } from '../../lib/io/wheel-machine.js'
import { startFakeIndex } from '../support/fake-index.js'
import {
  architecture,
  type FakeTorch,
  type FakeWheel,
  fakeTorch,
  fakeWheel,
  saveWheel,
  sha256,
} from '../support/fake-wheel.js'
import { bareEnvironment, filesIn, minor } from '../support/install-environment.js'
import { makeWheel, temporaryFolder, writeFile } from '../support/libtorch-folders.js'
import { failure } from '../support/typed-failure.js'

const version = `${minor}.0`
const cpuWheel = (changes: Partial<FakeTorch> = {}) => fakeTorch({ version: `${version}+cpu`, ...changes })
const quick = { retries: 1, retryDelaySeconds: 0.01, timeoutSeconds: 2 }
const installed = [`torch-${version}+cpu.dist-info/METADATA`, `torch-${version}+cpu.dist-info/WHEEL`]
  .concat(`torch-${version}+cpu.dist-info/licenses/LICENSE`, 'torch/lib/libc10.so')
  .concat('torch/lib/libgomp-24e2ab19.so.1.0.0', 'torch/lib/libtorch_cpu.so', 'torch/version.py')
  .map((path) => `${version}-cpu/${path}`)

let cache: string
beforeEach(() => {
  const environment = bareEnvironment()
  cache = environment.cache
  for (const [name, value] of Object.entries(environment.variables)) vi.stubEnv(name, value)
})
afterEach(() => vi.unstubAllEnvs())

const install = (options: InstallOptions) => installLibtorch({ variant: 'cpu', ...quick, ...options })

const found = () => findLibtorch(undefined, () => undefined)

/** A failed installation leaves nothing that could be found. */
function expectNothingInstalled(): void {
  expect(readdirSync(cache).filter((name) => name !== 'downloads')).toEqual([])
}

test.each(['html', 'json'] as const)('an index in %s: verified, unpacked, found', async (format) => {
  const wheel = cpuWheel()
  const index = await startFakeIndex(wheel, fakeTorch({ version, cuda: '13.0', requires: ['nvidia-cudnn-cu13'] }))
  index.format = format
  const result = await install({ index: index.url })
  expect(result).toEqual({
    ...{ folder: join(cache, `${version}-cpu`), version: `${version}+cpu`, variant: 'cpu', fresh: true },
  })
  expect(filesIn(cache)).toEqual(installed)
  expect(found()).toMatchObject({ source: 'cache', version: `${version}+cpu`, path: join(result.folder, 'torch/lib') })
  expect(index.requests.map(({ path }) => path)).toEqual(['/simple/torch/', `/files/${wheel.file}`])
})

test('what is installed is not fetched again, unless by force', async () => {
  const index = await startFakeIndex(cpuWheel())
  await install({ index: index.url })
  const before = index.requests.length
  expect((await install({ index: index.url })).fresh).toBe(false)
  expect((await install({ index: index.url, version })).fresh).toBe(false)
  expect(index.requests).toHaveLength(before)
  writeFileSync(join(cache, `${version}-cpu`, 'torch/lib/libc10.so'), 'broken')
  expect((await install({ index: index.url, force: true })).fresh).toBe(true)
  expect(readFileSync(join(cache, `${version}-cpu`, 'torch/lib/libc10.so'), 'utf8')).toBe('libc10.so')
  expect(filesIn(cache)).toEqual(installed)
})

test('steps tell the progress of each phase, and return the result', async () => {
  const index = await startFakeIndex(cpuWheel())
  const seen: InstallProgress[] = []
  const steps = installLibtorch.steps({ variant: 'cpu', ...quick, index: index.url })
  let step = await steps.next()
  for (; !step.done; step = await steps.next()) seen.push(step.value)
  expect(step.value).toMatchObject({ fresh: true, variant: 'cpu' })
  expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(['search', 'download', 'unpack'])
  for (const phase of ['download', 'unpack']) {
    const last = seen.findLast((progress) => progress.phase === phase)
    expect(last?.done).toBe(last?.total)
    expect(last?.done).toBeGreaterThan(300_000)
  }
})

test('leaving the steps early ends the work', async () => {
  const index = await startFakeIndex(cpuWheel())
  index.respond = (_, response, wheel) => {
    if (wheel !== undefined) response.writeHead(200, { 'content-length': 1000 }).write('x')
    return wheel !== undefined
  }
  for await (const { phase } of installLibtorch.steps({ variant: 'cpu', index: index.url, ...quick })) {
    if (phase === 'download') break
  }
  expectNothingInstalled()
})

test('abort rejects with the reason and leaves no lock, no listener and what was downloaded', async () => {
  const wheel = cpuWheel()
  const index = await startFakeIndex(wheel)
  const controller = new AbortController()
  index.respond = (request, response, served) => {
    if (served === undefined || request.headers.range !== undefined) return false
    response.writeHead(200, { etag: '"x"', 'content-length': served.bytes.length })
    response.write(served.bytes.subarray(0, 200_000))
    setTimeout(() => controller.abort('enough'), 300)
    return true
  }
  await expect(install({ index: index.url, signal: controller.signal })).rejects.toBe('enough')
  expectNothingInstalled()
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  const [partial] = filesIn(cache).filter((path) => path.endsWith('.partial'))
  expect(readFileSync(join(cache, partial ?? '')).length).toBeGreaterThan(100_000)
  await expect(install({ index: index.url, signal: controller.signal })).rejects.toBe('enough')
})

test('wrong bytes are not installed', async () => {
  const index = await startFakeIndex(cpuWheel())
  index.promise = () => sha256('other')
  const error = await failure(install({ index: index.url }))
  expect(error.code).toBe('ERR_TORCH_CHECKSUM')
  expectNothingInstalled()
  expect(filesIn(cache)).toEqual([])
})

test('a wheel without a promised SHA-256 is taken only where that is allowed', async () => {
  const index = await startFakeIndex(cpuWheel())
  index.promise = () => undefined
  const error = await failure(install({ index: index.url }))
  expect(error.code).toBe('ERR_TORCH_CHECKSUM')
  expect(error.message).toContain('--allow-unverified')
  expect(index.requests.map(({ path }) => path)).toEqual(['/simple/torch/'])
  expect((await install({ index: index.url, allowUnverified: true })).fresh).toBe(true)
})

test('an index that does not know torch, and one in a storm of 503', async () => {
  const index = await startFakeIndex()
  const unknown = await failure(install({ index: index.url }))
  expect(unknown.code).toBe('ERR_TORCH_INSTALL')
  expect(unknown.message).toContain(`${index.url} (options): has no wheel of torch`)
  expect(unknown.details?.fix).toContain('--find-links')
  index.respond = (_, response) => Boolean(response.writeHead(503).end())
  const storm = await failure(install({ index: index.url }))
  expect(storm).toMatchObject({ code: 'ERR_TORCH_DOWNLOAD', retryable: true })
  expect(storm.message).toMatch(/2 attempts .*503/)
})

test('other versions and platforms are named, not taken', async () => {
  const tags = `cp311-cp311-manylinux_2_99_${architecture}`
  const index = await startFakeIndex(fakeTorch({ version: '1.0.0+cpu' }), cpuWheel({ tags }))
  const error = await failure(install({ index: index.url }))
  expect(error.code).toBe('ERR_TORCH_INSTALL')
  expect(error.message).toContain(`1.0.0+cpu, ${version}+cpu`)
  const unknown = await failure(install({ index: index.url, version: '1.0.0' }))
  expect(unknown.code).toBe('ERR_TORCH_INVALID_ARGUMENT')
})

test('a folder of wheels, one wheel, and a file index serve without a network', async () => {
  const folder = temporaryFolder()
  const wheel = cpuWheel()
  const path = saveWheel(folder, wheel)
  for (const options of [{ from: folder }, { from: path }, { findLinks: folder }]) {
    expect((await install({ ...options, force: true })).fresh).toBe(true)
    expect(filesIn(cache)).toEqual(installed)
  }
  const page = join(temporaryFolder(), 'torch', 'index.html')
  const index = `file://${join(page, '..', '..')}`
  writeFile(page, `<a href="file://${path}#sha256=${wheel.sha256}">x</a>`)
  expect((await install({ index, force: true })).fresh).toBe(true)
  writeFile(page, `<a href="file://${path}#sha256=${sha256('other')}">x</a>`)
  expect((await failure(install({ index, force: true }))).code).toBe('ERR_TORCH_CHECKSUM')
  const missing = await failure(install({ from: join(folder, 'no'), force: true }))
  expect(missing.message).toContain('does not exist')
})

test('credentials of an index go with its own wheels, and into no message', async () => {
  const wheel = cpuWheel()
  const index = await startFakeIndex(wheel)
  const url = index.url.replace('//', '//me:s3cret@')
  index.promise = () => sha256('other')
  const error = await failure(install({ index: url }))
  const text = `${error.message} ${error.stack} ${JSON.stringify(error.details)}`
  expect(text).not.toContain('s3cret')
  const basic = `Basic ${Buffer.from('me:s3cret').toString('base64')}`
  expect(index.requests.map(({ authorization }) => authorization)).toEqual([basic, basic])
})

test("a password with a stray '%' is sent as it is", async () => {
  const index = await startFakeIndex(cpuWheel())
  await install({ index: index.url.replace('//', '//me:50%off@') })
  const basic = `Basic ${Buffer.from('me:50%off').toString('base64')}`
  expect(index.requests.map(({ authorization }) => authorization)).toEqual([basic, basic])
})

test('a CPU host takes a CPU build wherever it is, and a CUDA build only where there is none', async () => {
  const requires = ['nvidia-cudnn-cu13==9.1; platform_system == "Linux"', 'nvidia-cuda-runtime==13.0.*']
  const cudaTorch = fakeTorch({ version: `${version}+cu130`, cuda: '13.0', requires })
  const library = (project: string, file: string) =>
    fakeWheel({
      ...{ project, version: '13.0.5', tags: 'py3-none-any' },
      entries: [{ name: `nvidia/cu13/lib/${file}`, data: file }],
    })
  const index = await startFakeIndex(cudaTorch, library('nvidia-cuda-runtime', 'libcudart.so.13'))
  const folder = temporaryFolder()
  saveWheel(folder, cpuWheel())
  vi.stubEnv('PIP_INDEX_URL', index.url)
  vi.stubEnv('PIP_CONFIG_FILE', writeFile(join(folder, 'pip.conf'), `[global]\nfind-links = ${folder}\n`))
  expect((await install({})).version).toBe(`${version}+cpu`)
  expect(index.requests.map(({ path }) => path)).toEqual(['/simple/torch/'])
  const result = await install({ index: index.url, force: true })
  expect(result).toMatchObject({ version: `${version}+cu130`, variant: 'cpu', folder: join(cache, `${version}-cpu`) })
  expect(found()).toMatchObject({ variant: 'cpu' })
  const libraries = filesIn(result.folder).filter((path) => path.includes('/lib/'))
  expect(libraries).toEqual([
    ...['nvidia/cu13/lib/libcudart.so.13', 'torch/lib/libc10.so', 'torch/lib/libgomp-24e2ab19.so.1.0.0'],
    'torch/lib/libtorch_cpu.so',
  ])
})

test('a CUDA build comes with the libraries that its metadata names, and those that they name', async () => {
  const any = { tags: 'py3-none-any', entries: [] }
  const library = (project: string, number: string, requires: string[] = []) => {
    const entries = [{ name: `nvidia/${project}/lib/lib.so.${number}`, data: number }]
    return fakeWheel({ ...any, project, version: number, requires, entries })
  }
  const toolkitRequires = ['nvidia-cublas==13.1.*; extra == "cublas"', 'nvidia-cufft; extra == "cufft"']
  const index = await startFakeIndex(
    fakeTorch({
      ...{ version, cuda: '13.0' },
      requires: [
        ...['cuda-toolkit[cublas]==13.0.3; platform_system == "Linux"', 'nvidia-cudnn-cu13<10,>=9'],
        ...['nvidia-win==1; platform_system == "Windows"', 'triton==3', 'nvidia-extra; extra == "more"'],
      ],
    }),
    fakeWheel({ ...any, project: 'cuda-toolkit', version: '13.0.3', requires: toolkitRequires }),
    ...['13.0.9', '13.1.2', '13.1.10', '13.2.0'].map((number) => library('nvidia-cublas', number)),
    ...['8.9', '9.24.0', '10.0'].map((number) => library('nvidia-cudnn-cu13', number, ['nvidia-cublas'])),
  )
  const result = await install({ index: index.url, variant: 'cuda' })
  expect(result).toMatchObject({ variant: 'cuda', folder: join(cache, `${version}-cu130`) })
  expect(filesIn(result.folder).filter((path) => path.includes('/lib/'))).toEqual([
    ...['nvidia/nvidia-cublas/lib/lib.so.13.1.10', 'nvidia/nvidia-cudnn-cu13/lib/lib.so.9.24.0'],
    ...['libc10.so', 'libc10_cuda.so', 'libgomp-24e2ab19.so.1.0.0', 'libtorch_cpu.so', 'libtorch_cuda.so'].map(
      (name) => `torch/lib/${name}`,
    ),
  ])
  rmSync(result.folder, { recursive: true })
  index.wheels = index.wheels.filter(({ file }) => !file.startsWith('nvidia_cublas-13.1'))
  const error = await failure(install({ index: index.url, variant: 'cuda' }))
  expect(error.code).toBe('ERR_TORCH_INSTALL')
  expect(error.message).toContain('nvidia-cublas==13.1.*')
  expect(filesIn(cache).filter((path) => !path.startsWith('downloads/'))).toEqual([])
})

/** A CUDA build that requires two libraries, one of which requires the other. */
function cudaWheels(): [torch: FakeWheel, runtime: FakeWheel, cudnn: FakeWheel] {
  const library = (project: string, requires: string[] = []) =>
    fakeWheel({
      ...{ project, version: '13.0.5', tags: 'py3-none-any', requires },
      entries: [{ name: `nvidia/cu13/lib/lib${project}.so`, data: project }],
    })
  const requires = ['nvidia-cudnn-cu13', 'nvidia-cuda-runtime']
  const cudnn = library('nvidia-cudnn-cu13', ['nvidia-cuda-runtime<14'])
  return [fakeTorch({ version, cuda: '13.0', requires }), library('nvidia-cuda-runtime'), cudnn]
}

test('a disk too small for all wheels of a CUDA build together is told before the first of them', async () => {
  const wheels = cudaWheels()
  const index = await startFakeIndex(...wheels)
  index.servesMetadata = true
  const methods = new Set<string | undefined>()
  index.respond = (request, response, wheel) => {
    if (wheel !== undefined) methods.add(request.method)
    if (wheel !== wheels[1] || request.method !== 'HEAD') return false
    response.setHeader('content-length', 1e15).end()
    return true
  }
  const error = await failure(install({ index: index.url, variant: 'cuda' }))
  expect(error).toMatchObject({ code: 'ERR_TORCH_DISK', details: { needed: expect.any(Number) } })
  expect(error.details?.needed).toBeGreaterThan(3.5e15) // packed and unpacked
  expect([...methods]).toEqual(['HEAD'])
})

test('sizes that a server does not tell stop nothing', async () => {
  const index = await startFakeIndex(...cudaWheels())
  index.respond = (request, response) => request.method === 'HEAD' && Boolean(response.writeHead(405).end())
  expect((await install({ index: index.url, variant: 'cuda' })).fresh).toBe(true)
})

test('wheels that are complete are not fetched again after a failure, unless they were damaged', async () => {
  const [torch, runtime, cudnn] = cudaWheels()
  const index = await startFakeIndex(torch, runtime, cudnn)
  index.format = 'json' // tells sizes, so that nothing else is asked
  index.respond = (_, response, wheel) => wheel === cudnn && Boolean(response.writeHead(404).end())
  const attempt = () => install({ index: index.url, variant: 'cuda' })
  const fetched = () => index.requests.filter(({ path }) => path.endsWith('.whl')).map(({ path }) => path.slice(7))
  expect((await failure(attempt())).code).toBe('ERR_TORCH_DOWNLOAD')
  expect(fetched()).toEqual([torch.file, cudnn.file])
  index.requests.length = 0
  index.respond = () => false
  const kept = filesIn(cache).find((path) => path.endsWith(torch.file)) ?? ''
  const bytes = readFileSync(join(cache, kept))
  index.respond = (_, response, wheel) => wheel === runtime && Boolean(response.writeHead(404).end())
  await failure(attempt())
  expect(fetched()).toEqual([cudnn.file, runtime.file])
  index.requests.length = 0
  index.respond = () => false
  writeFileSync(join(cache, kept), Buffer.concat([bytes.subarray(1), Buffer.from('x')]))
  expect((await attempt()).fresh).toBe(true)
  expect(fetched()).toEqual([torch.file, runtime.file])
})

test('a build without a label is told by the metadata that the index serves, before it is fetched', async () => {
  const newer = fakeTorch({ version: `${minor}.1`, cuda: '13.0', requires: ['nvidia-cudnn-cu13==9.1'] })
  const index = await startFakeIndex(newer, fakeTorch({ version }))
  index.servesMetadata = true
  expect((await install({ index: index.url })).version).toBe(version)
  const wheels = index.requests.filter(({ path }) => path.endsWith('.whl'))
  expect(wheels.map(({ path }) => path)).toEqual([`/files/${fakeTorch({ version }).file}`])
  const error = await failure(install({ index: index.url, variant: 'cuda', version }))
  expect(error.message).toContain('a CPU build')
})

test.each([
  ['leads out of the folder', { name: '../../escaped.so', data: 'x' }, /invalid relative path/],
  ['has an absolute name', { name: '/escaped.so', data: 'x' }, /absolute path/],
  ['has a backslash in a name', { name: 'torch\\lib\\x.so', data: 'x' }, /invalid characters/],
  ['holds a symbolic link', { name: 'torch/lib/x.so', data: '/etc/passwd', mode: 0o120777 }, /symbolic link/],
  ['holds a file twice', { name: 'torch/lib/libc10.so', data: 'x' }, /twice/],
  ['has a wrong CRC-32', { name: 'torch/lib/x.so', data: 'x', crc: 1 }, /CRC-32 of torch\/lib\/x.so/],
])('a wheel that %s is refused, with nothing written outside', async (_, entry, reason) => {
  const folder = temporaryFolder()
  saveWheel(folder, cpuWheel({ extra: [entry] }))
  const error = await failure(install({ from: folder }))
  expect(error.code).toBe('ERR_TORCH_INSTALL')
  expect(error.message).toMatch(reason)
  expectNothingInstalled()
  expect(readdirSync(join(cache, '..'))).toEqual(['node-libtorch'])
})

test.each([
  ['no archive', (bytes: Buffer) => Buffer.from(`no zip ${bytes.length}`)],
  ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 100)],
  ['empty', () => Buffer.alloc(0)],
  ['damaged in the middle', (bytes: Buffer) => Buffer.from(bytes).fill(0, 200_000, 200_400)],
])('a wheel that is %s is refused', async (_, damage) => {
  const folder = temporaryFolder()
  const wheel = cpuWheel()
  saveWheel(folder, { ...wheel, bytes: damage(wheel.bytes) })
  const error = await failure(install({ from: folder }))
  expect(error.code).toBe('ERR_TORCH_INSTALL')
  expect(error.message).toContain(wheel.file)
  expectNothingInstalled()
})

test('a wheel that holds another build than its name says is refused', async () => {
  const folder = temporaryFolder()
  const wheel = cpuWheel()
  saveWheel(folder, { ...fakeTorch({ version: '1.0.0' }), file: wheel.file })
  expect((await failure(install({ from: folder }))).message).toContain('the wheel holds 1.0.0')
  expectNothingInstalled()
})

test('what killed installations left is removed, and never found', async () => {
  const folder = temporaryFolder()
  saveWheel(folder, cpuWheel())
  for (const name of ['.install-1', '.replaced-2']) {
    writeFile(join(cache, name, 'torch', 'version.py'), `__version__ = '${version}'\n`)
    writeFile(join(cache, name, 'torch', 'lib', 'libtorch_cpu.so'), '')
  }
  mkdirSync(join(cache, 'other'))
  expect(() => found()).toThrow(/holds no libtorch/)
  await install({ from: folder })
  expect(readdirSync(cache).sort()).toEqual([`${version}-cpu`, 'other'])
})

/** A libtorch that can be found, below the cache. */
function placeLibtorch(name: string, label: string): void {
  const cuda = /^cu\d+$/.test(label)
  makeWheel(join(cache, name), { version: `${version}+${label}`, cuda })
}

test('a libtorch that a killed installation had put aside gets its name back, and needs no other', async () => {
  placeLibtorch(`.replaced-${version}-cpu.1`, 'cpu')
  placeLibtorch(`.replaced-${version}-cpu.2`, 'cpu')
  placeLibtorch('.install-3', 'cpu')
  expect(() => found()).toThrow(/holds no libtorch/)
  const result = await install({ from: temporaryFolder() })
  expect(result).toEqual({
    folder: join(cache, `${version}-cpu`),
    version: `${version}+cpu`,
    variant: 'cpu',
    fresh: false,
  })
  expect(readdirSync(cache)).toEqual([`${version}-cpu`])
})

test('what was put aside goes where its successor is in place', async () => {
  placeLibtorch(`.replaced-${version}-cpu.1`, 'cpu')
  placeLibtorch(`${version}-cpu`, 'cpu')
  writeFileSync(join(cache, `${version}-cpu`, 'successor'), '')
  await failure(install({ from: temporaryFolder(), force: true }))
  expect(readdirSync(cache)).toEqual([`${version}-cpu`])
  expect(readdirSync(join(cache, `${version}-cpu`))).toContain('successor')
})

test('a libtorch of the cache that is too new for the driver is not what is wished for', async () => {
  placeLibtorch(`${version}-cu130`, 'cu130')
  const wish = { variant: 'cuda' as const, minors: [minor], version: undefined, machine: thisMachine() }
  const cached = async (driver: number | undefined) => (await findCached({ ...wish, driver }))?.version
  expect(await cached(128)).toBeUndefined()
  expect(await cached(130)).toBe(`${version}+cu130`)
  expect(await cached(140)).toBe(`${version}+cu130`)
  expect(await cached(undefined)).toBe(`${version}+cu130`) // installed ahead of the driver
  placeLibtorch(`${version}-cu126`, 'cu126')
  expect(await cached(128)).toBe(`${version}+cu126`)
  expect(findLibtorch(undefined, () => 12_080).version).toBe(`${version}+cu126`)
})

const pipScript = (body: string) => `#!/bin/sh
while [ "$1" != --dest ]; do shift; done
dest=$2; requirement=$3
${body}
`

/** A pip that comes first on the PATH, in `folder`. */
async function placePip(folder: string, body: string): Promise<void> {
  writeFile(join(folder, 'pip'), pipScript(body))
  chmodSync(join(folder, 'pip'), 0o755)
  vi.stubEnv('PATH', `${folder}:${process.env.PATH}`)
  // PyTorch's own index must not be asked by a test: a proxy that refuses stands before it.
  const proxy = await startFakeIndex()
  vi.stubEnv('HTTPS_PROXY', proxy.origin)
}

test('pip is asked where no source is known to have a wheel', async () => {
  const folder = temporaryFolder()
  const wheel = saveWheel(folder, cpuWheel())
  const log = join(folder, 'log')
  const body = `echo "$requirement" >> ${log}; case $requirement in torch==${minor}.*) cp ${wheel} "$dest";; *) exit 1;; esac`
  await placePip(folder, body)
  const result = await install({ retries: 0 })
  expect(result).toMatchObject({ fresh: true, version: `${version}+cpu` })
  expect(readFileSync(log, 'utf8')).toBe(`torch==${minor}.*\n`)
  expect(filesIn(cache)).toEqual(installed)
  rmSync(result.folder, { recursive: true })
  writeFile(join(folder, 'pip'), pipScript('echo "ERROR: no match at https://me:s3cret@host/" >&2; exit 1'))
  const error = await failure(install({ retries: 0 }))
  expect(error.code).toBe('ERR_TORCH_DOWNLOAD')
  expect(error.message).toContain('no match at https://host/')
  expect(error.message).toContain('download.pytorch.org')
})

test('a wheel of pip that is of another build than was asked for does not stay', async () => {
  const folder = temporaryFolder()
  const wheel = saveWheel(folder, cpuWheel())
  await placePip(folder, `cp ${wheel} "$dest"`)
  const error = await failure(install({ variant: 'cuda', retries: 0 }))
  expect(error).toMatchObject({ code: 'ERR_TORCH_INSTALL', message: expect.stringContaining('is a CPU build') })
  expect(filesIn(cache)).toEqual([])
})

test('a CUDA build for a machine without a driver is noted before anything is looked for', async () => {
  const folder = temporaryFolder()
  saveWheel(folder, cpuWheel())
  const phasesOf = async (variant: 'cpu' | 'cuda', from: string) => {
    const phases: string[] = []
    const steps = installLibtorch.steps({ variant, from, ...quick })
    await failure(
      (async () => {
        for await (const { phase } of steps) phases.push(phase)
      })(),
    )
    return phases
  }
  const note = driverCuda() === undefined ? ['note'] : []
  expect(await phasesOf('cuda', folder)).toEqual([...note, 'search'])
  expect(await phasesOf('cpu', temporaryFolder())).toEqual(['search'])
})

test('a mistyped place is an error, also where what fits is installed', async () => {
  placeLibtorch(`${version}-cpu`, 'cpu')
  const nowhere = join(temporaryFolder(), 'wheels')
  for (const place of [{ from: nowhere }, { findLinks: nowhere }]) {
    const error = await failure(install(place))
    expect(error).toMatchObject({ code: 'ERR_TORCH_DISK', details: { path: nowhere, code: 'ENOENT' } })
  }
  expect(await install({ findLinks: 'http://127.0.0.1:1/' })).toMatchObject({ fresh: false })
})

test.each([
  [{ variant: 'rocm' }, 'ERR_TORCH_INVALID_ARGUMENT'],
  [{ version: 'latest' }, 'ERR_TORCH_INVALID_ARGUMENT'],
  [{ index: 'here' }, 'ERR_TORCH_INVALID_ARGUMENT'],
  [{ from: 5 }, 'ERR_TORCH_INVALID_ARGUMENT'],
  [{ signal: {} }, 'ERR_TORCH_INVALID_ARGUMENT'],
  [{ timeoutSeconds: 0 }, 'ERR_TORCH_INVALID_ARGUMENT'],
  [{ indx: 'http://x/' }, 'ERR_TORCH_UNKNOWN_OPTION'],
])('the options %j are refused', async (options, code) => {
  expect((await failure(installLibtorch(options as InstallOptions))).code).toBe(code)
})
