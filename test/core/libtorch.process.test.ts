// Opening libtorch happens once per process, so each case has a process of its own.
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { type LibtorchInfo, libtorch } from '../../lib/core/libtorch.js'
import { usableCores } from '../../lib/core/openmp.js'
import { type ChildOptions, distIndex, runScript } from '../support/child-script.js'
import { makeWheel, temporaryFolder, writeFile } from '../support/libtorch-folders.js'

const ownOpenMp = {
  OMP_NUM_THREADS: undefined,
  GOMP_SPINCOUNT: undefined,
  OMP_WAIT_POLICY: undefined,
  MKL_NUM_THREADS: undefined,
}

/** The JSON that a script prints with `print(value)`; the process must end well. */
async function run(body: string, { env, ...options }: ChildOptions = {}): Promise<unknown> {
  const source = `
import * as torch from ${JSON.stringify(pathToFileURL(distIndex).href)}
const { libtorch } = torch
const print = (value) => console.log(JSON.stringify(value))
const failure = (action) => { try { action() } catch (error) { return { code: error.code, message: error.message } } }
${body}`
  const result = await runScript(source, { ...options, env: { ...ownOpenMp, ...env } })
  expect(result, result.stderr).toMatchObject({ code: 0, signal: null })
  return JSON.parse(result.stdout)
}

test('importing the package opens nothing and loads no parser of options', async () => {
  const [maps, loaded] = (await run(`
    import { readFileSync } from 'node:fs'
    import { createRequire } from 'node:module'
    const cached = Object.keys(createRequire(import.meta.url).cache)
    print([readFileSync('/proc/self/maps', 'utf8'), cached.filter((file) => file.includes('zod'))])
  `)) as [string, string[]]
  expect(maps).not.toMatch(/libtorch|libgomp|\/boot\.node/)
  expect(loaded).toEqual([])
})

test('boots what the finder finds, with the usable cores as threads and without spinning', async () => {
  const info = (await run('libtorch.boot(); libtorch.boot({}); print(libtorch.info())')) as LibtorchInfo
  const found = libtorch.find()
  const { threads, reason } = usableCores()
  expect(info).toMatchObject({ ...found, threads, threadsReason: reason, spin: 'shared' })
  expect(info.addon.torch).toMatch(new RegExp(`^${found.minor}\\.`))
  expect(info.cpuCapability).not.toBe('')
})

test('libgomp sees the spin count, and child processes do not inherit it', async () => {
  const env = { OMP_DISPLAY_ENV: 'VERBOSE' }
  const shown = async (options: string, extra = {}) => {
    const source = `
      import { libtorch } from ${JSON.stringify(pathToFileURL(distIndex).href)}
      import { execFileSync } from 'node:child_process'
      libtorch.boot(${options})
      console.log(libtorch.info().spin, execFileSync('sh', ['-c', 'echo child:$GOMP_SPINCOUNT:'], { encoding: 'utf8' }))`
    const { code, stdout, stderr } = await runScript(source, { env: { ...ownOpenMp, ...env, ...extra } })
    expect(code, stderr).toBe(0)
    return [/GOMP_SPINCOUNT = '(\d+)'/.exec(stderr)?.[1], ...stdout.trim().split(' ')]
  }
  expect(await shown('')).toEqual(['0', 'shared', 'child::'])
  expect(await shown("{ spin: 'latency' }")).toEqual(['2000', 'latency', 'child::'])
  expect(await shown('', { GOMP_SPINCOUNT: '77' })).toEqual(['77', 'environment', 'child:77:'])
  expect(await shown("{ spin: 'latency' }", { GOMP_SPINCOUNT: '77' })).toEqual(['2000', 'latency', 'child:77:'])
  expect(await shown('', { OMP_WAIT_POLICY: 'ACTIVE' })).toEqual(['30000000000', 'environment', 'child::'])
})

test.each([
  ['OMP_NUM_THREADS replaces the default', {}, '1', { threads: 1, threadsReason: 'OMP_NUM_THREADS' }],
  ['the option replaces OMP_NUM_THREADS', { threads: 1 }, '2', { threads: 1, threadsReason: 'option' }],
  ['the option replaces the default', { threads: 1 }, undefined, { threads: 1, threadsReason: 'option' }],
])('%s', async (_, options, variable, wanted) => {
  const body = `libtorch.boot(${JSON.stringify(options)}); print(libtorch.info())`
  expect(await run(body, { env: { OMP_NUM_THREADS: variable } })).toMatchObject(wanted)
})

test('a second boot with the same options is silent, with others an error that names the running ones', async () => {
  const results = await run(`
    libtorch.boot({ threads: 1, spin: 'shared' })
    libtorch.boot({ threads: 1, spin: 'shared', path: libtorch.info().path })
    print([
      failure(() => libtorch.boot({ threads: 2 })),
      failure(() => libtorch.boot({ spin: 'latency' })),
      failure(() => libtorch.boot({ path: '/nowhere' })),
      failure(() => libtorch.boot({ threads: 1 })) ?? null,
    ])`)
  const conflict = (running: RegExp) => ({ code: 'ERR_TORCH_LIBTORCH_BOOT', message: expect.stringMatching(running) })
  expect(results).toEqual([conflict(/threads 1/), conflict(/spin shared/), conflict(/path \//), null])
})

test('workers boot the libtorch of the process, at the same time, whatever their environment says', async () => {
  const body = `
    import { Worker } from 'node:worker_threads'
    const code = \`
      const modules = ['node:worker_threads', \${JSON.stringify(${JSON.stringify(pathToFileURL(distIndex).href)})}]
      Promise.all(modules.map((name) => import(name))).then(([{ parentPort }, { libtorch }]) => {
        const failure = () => { try { libtorch.boot({ threads: 2 }) } catch (error) { return error.code } }
        parentPort.postMessage([libtorch.info(), failure()])
      })\`
    const env = { ...process.env, NODE_LIBTORCH_PATH: '/nowhere' }
    const start = () => new Promise((resolve, reject) => {
      const worker = new Worker(code, { eval: true, env })
      worker.once('message', resolve).once('error', reject)
    })
    `
  const afterMain = (await run(`${body}
    libtorch.boot({ threads: 1 })
    print(await Promise.all([start(), start(), start()]))`)) as [LibtorchInfo, string][]
  const found = libtorch.find()
  expect(afterMain).toHaveLength(3)
  for (const [info, failure] of afterMain) {
    expect(info).toMatchObject({ ...found, threads: 1, threadsReason: 'option' })
    expect(failure).toBe('ERR_TORCH_LIBTORCH_BOOT')
  }
  const together = (await run(`${body}
    delete env.NODE_LIBTORCH_PATH
    print(await Promise.all([start(), start(), start()]))`)) as [LibtorchInfo, string][]
  for (const [info] of together) expect(info).toMatchObject({ ...found, threadsReason: usableCores().reason })
})

/** A real shared library under the name of libtorch's. */
function compileLibrary(lib: string, source: string): void {
  const file = writeFile(join(lib, 'source.c'), source)
  execFileSync('cc', ['-shared', '-fPIC', '-o', join(lib, 'libtorch_cpu.so'), file])
}

test('a library that is no libtorch is a typed error that says why, and the process lives on', async () => {
  const { minor } = libtorch.find()
  const site = makeWheel(temporaryFolder(), { version: `${minor}.0` })
  writeFile(join(site, 'torch', 'lib', 'libtorch_cpu.so'), 'this is no library')
  const body = `print([failure(() => libtorch.boot()), failure(() => libtorch.boot())])`
  for (const failure of (await run(body, { env: { NODE_LIBTORCH_PATH: site } })) as unknown[]) {
    expect(failure).toMatchObject({ code: 'ERR_TORCH_LIBTORCH_BOOT', message: expect.stringMatching(/ELF|too short/) })
  }
})

test('after a libtorch that does not open, another one does', async () => {
  const { minor, path } = libtorch.find()
  const site = makeWheel(temporaryFolder(), { version: `${minor}.0` })
  const body = `
    const first = failure(() => libtorch.boot({ path: ${JSON.stringify(site)} }))
    libtorch.boot({ path: ${JSON.stringify(path)} })
    print([first.code, libtorch.info().source])`
  expect(await run(body)).toEqual(['ERR_TORCH_LIBTORCH_BOOT', 'option'])
})

test('a library whose own version is another minor is refused before the addon sees it', async () => {
  const { minor } = libtorch.find()
  const site = makeWheel(temporaryFolder(), { version: `${minor}.0` })
  // What aoti_torch_abi_version returns: major << 56 | minor << 48 | patch << 40
  const version = '#include <stdint.h>\nuint64_t aoti_torch_abi_version(void) { return 0x0163020000000000ull; }\n'
  compileLibrary(join(site, 'torch', 'lib'), version)
  const body = 'print([failure(() => libtorch.boot()), failure(() => libtorch.info())])'
  for (const failure of (await run(body, { env: { NODE_LIBTORCH_PATH: site } })) as unknown[]) {
    expect(failure).toMatchObject({
      code: 'ERR_TORCH_LIBTORCH_MISMATCH',
      message: expect.stringMatching(new RegExp(`^Expected libtorch ${minor}, .* says that it is 1\\.99\\.2$`)),
    })
  }
})

test('a symbolic link to the running libtorch is the running libtorch', async () => {
  const link = join(temporaryFolder(), 'link with ü and space')
  symlinkSync(libtorch.find().path, link)
  const body = `libtorch.boot(); libtorch.boot({ path: ${JSON.stringify(link)} }); print(libtorch.info().path)`
  expect(await run(body)).toBe(libtorch.find().path)
})

test('the torch of the current folder is not taken for an installed one', async () => {
  const { minor } = libtorch.find()
  const cwd = makeWheel(temporaryFolder(), { version: `${minor}.0` })
  const cache = temporaryFolder()
  mkdirSync(join(cache, 'node-libtorch'))
  const env = { XDG_CACHE_HOME: cache, NODE_LIBTORCH_PATH: undefined, PYTHONPATH: undefined }
  expect(await run('print(failure(() => libtorch.find()))', { cwd, env })).toMatchObject({
    code: 'ERR_TORCH_LIBTORCH_NOT_FOUND',
    message: expect.stringContaining('python3 has no torch package'),
  })
})
