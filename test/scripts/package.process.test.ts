// The package as `npm publish` would send it, in the hands of someone who installs it.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { libtorch } from '../../lib/core/libtorch.js'
import { runNode } from '../support/child-script.js'
import { makeApplication, type Packed, packPackage } from '../support/packed-package.js'
import { repositoryRoot } from '../support/source-files.js'

const folder = mkdtempSync(join(tmpdir(), 'node-libtorch-package-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const subfolder = (name: string) => {
  mkdirSync(join(folder, name))
  return join(folder, name)
}

let packed: Packed
let application: string
beforeAll(async () => {
  packed = await packPackage(subfolder('package'))
  application = makeApplication(subfolder('application'), packed)
})

/** A machine whose only libtorch is where the environment says. */
const found = libtorch.find()
function environment(libtorchIsIn: 'NODE_LIBTORCH_PATH' | 'cache' | 'nowhere'): Record<string, string | undefined> {
  const cache = mkdtempSync(join(folder, 'cache-'))
  const isCached = libtorchIsIn === 'cache'
  if (isCached) mkdirSync(join(cache, 'node-libtorch'))
  if (isCached) symlinkSync(join(found.path, '..', '..'), join(cache, 'node-libtorch', `${found.minor}.0-cpu`))
  const path = libtorchIsIn === 'NODE_LIBTORCH_PATH' ? found.path : undefined
  return {
    PATH: process.env.PATH,
    XDG_CACHE_HOME: cache,
    HOME: cache,
    NODE_LIBTORCH_PATH: path,
    VIRTUAL_ENV: undefined,
  }
}

const program = `
import { Module, Tensor } from 'node-libtorch'
import { Safetensors } from 'node-libtorch/io'
import { architectures, ResNet } from 'node-libtorch/models'
import { installLibtorch } from 'node-libtorch/install'

const module = await Module.fromSource('def forward(self, x):\\n    return x * 2\\n')
const doubled = await module.forward<Tensor>(Tensor.from([1, 2, 3]))
const model = await ResNet.load({ architecture: 'resnet18', random: 1 })
const [predictions] = await model.classify({ pixels: new Uint8Array(12), width: 2, height: 2 })
console.log(JSON.stringify([
  await doubled.toArray(), predictions?.length, typeof Safetensors.open, typeof installLibtorch, 'resnet18' in architectures,
]))
`
const printed = [[2, 4, 6], 5, 'function', 'function', true]

test('the package holds what runs, and nothing else', () => {
  const expected =
    /^((dist|data)\/.*|addons\/(boot|torch-\d+\.\d+)\/prebuilds\/linux-x64\/.*\.node|package\.json|binding\.d\.ts|\w+\.md|LICENSE)$/
  expect(packed.files.filter((path) => !expected.test(path) || path.startsWith('dist/.'))).toEqual([])
  expect(packed.files.filter((path) => path.endsWith('.node'))).toHaveLength(2)
  expect(packed.unpackedBytes).toBeLessThan(10e6)
})

test('what the README links to comes with it', () => {
  const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8')
  const links = [...readme.matchAll(/\]\((\w+\.md)\)/g)].map(([, path]) => path)
  expect(links.length).toBeGreaterThan(3)
  expect(packed.files).toEqual(expect.arrayContaining(links))
})

test('an installation runs no scripts, and only where the addons run', () => {
  const { scripts, os, cpu, libc } = JSON.parse(readFileSync(join(packed.folder, 'package.json'), 'utf8'))
  const run = ['preinstall', 'install', 'postinstall', 'prepare']
  expect(Object.keys(scripts).filter((name) => run.includes(name))).toEqual([])
  expect(packed.files).not.toContain('binding.gyp')
  expect({ os, cpu, libc }).toEqual({ os: ['linux'], cpu: ['x64'], libc: ['glibc'] })
})

test('publint finds nothing to mend', async () => {
  const { buffer, byteOffset, byteLength } = readFileSync(packed.tarball)
  const tarball = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
  const { messages } = await publint({ pack: { tarball }, strict: true })
  expect(messages).toEqual([])
})

test.each(['NODE_LIBTORCH_PATH', 'cache'] as const)('it computes with the libtorch of %s', async (source) => {
  writeFileSync(join(application, 'main.js'), program.replace('<Tensor>', ''))
  const options = { cwd: application, env: environment(source) }
  const { stdout, stderr } = await runNode(['main.js'], options)
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual(printed)
  const cli = join('node_modules', 'node-libtorch', 'dist', 'cli', 'main.js')
  const doctor = await runNode([cli, 'doctor', '--json'], options)
  expect(JSON.parse(doctor.stdout)).toMatchObject({ healthy: true, addons: [found.minor], libtorch: { source } })
})

test('without a libtorch it can be imported, and says how to get one', async () => {
  const source = `import { Tensor } from 'node-libtorch'
    try { Tensor.from(1) } catch ({ code, message }) { console.log(code, message) }`
  const script = ['--input-type=module', '--eval', source]
  const env = { ...environment('nowhere'), PATH: '/nowhere' }
  const { stdout, stderr } = await runNode(script, { cwd: application, env })
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^ERR_TORCH_LIBTORCH_NOT_FOUND [\s\S]*npx node-libtorch install/)
})

test('TypeScript finds the types of every entry point', () => {
  writeFileSync(join(application, 'types.ts'), program)
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node']
  const tsc = join(repositoryRoot, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = [tsc, ...flags, '--lib', 'es2023,esnext.disposable', 'types.ts']
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: application, encoding: 'utf8' })
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
})

// Needs a package registry, as set-up does.
if (process.env.FULL === '1') {
  test('npm installs it in an empty folder, and npx runs it', () => {
    const cwd = subfolder('installed')
    const env = { ...process.env, NODE_LIBTORCH_PATH: found.path, npm_config_cache: undefined }
    const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd, env, encoding: 'utf8' })
    run('npm', 'init', '--yes')
    run('npm', 'install', '--no-audit', '--no-fund', packed.tarball)
    writeFileSync(join(cwd, 'main.mjs'), program.replace('<Tensor>', ''))
    expect(JSON.parse(run(process.execPath, 'main.mjs'))).toEqual(printed)
    expect(run('npx', 'node-libtorch', 'doctor')).toMatch(/\nhealthy\n$/)
  }, 120_000)
}
