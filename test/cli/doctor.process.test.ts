import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type DoctorReport, doctorReport } from '../../lib/cli/doctor-report.js'
import { runProbe } from '../../lib/cli/probe-process.js'
import { libtorch } from '../../lib/core/libtorch.js'
import { type ChildOptions, cliProgram, runNode } from '../support/child-script.js'
import { makeWheel, temporaryFolder, writeFile } from '../support/libtorch-folders.js'

const doctor = (args: string[] = [], options?: ChildOptions) => runNode([cliProgram, 'doctor', ...args], options)

async function reportOf(options?: ChildOptions): Promise<{ report: DoctorReport; code: number | null }> {
  const { stdout, code } = await doctor(['--json'], options)
  return { report: JSON.parse(stdout), code }
}

/** A wheel whose libtorch_cpu.so is a real library with the given constructor. */
function wheelThat(body: string): string {
  const site = makeWheel(temporaryFolder(), { version: `${libtorch.find().minor}.0` })
  const lib = join(site, 'torch', 'lib')
  const source = `#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n__attribute__((constructor)) static void run(void) { ${body} }\n`
  execFileSync('cc', ['-shared', '-fPIC', '-o', join(lib, 'libtorch_cpu.so'), writeFile(join(lib, 'source.c'), source)])
  return site
}

test('says that a healthy machine is healthy, with all that it found', async () => {
  const { report, code } = await reportOf()
  expect(report.problems).toEqual([])
  expect(code).toBe(0)
  expect(report).toMatchObject({ healthy: true, node: process.versions.node, libtorch: libtorch.find() })
  expect(report.running?.devices).toContain('cpu')
  expect(report.running?.threads).toBeGreaterThanOrEqual(1)
  expect(report.computeMilliseconds).toBeGreaterThan(0)
})

test('the text says the same', async () => {
  const { stdout, stderr, code } = await doctor()
  const { version, path, source } = libtorch.find()
  for (const part of [version, path, source, process.versions.node, 'cpu', 'threads', 'spin'])
    expect(stdout).toContain(part)
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('healthy')
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
})

test('without a libtorch it names the places and the fix, with exit status 1', async () => {
  const env = {
    XDG_CACHE_HOME: temporaryFolder(),
    NODE_LIBTORCH_PATH: undefined,
    PYTHONPATH: undefined,
    PATH: '/nowhere',
  }
  const { report, code } = await reportOf({ env })
  expect(code).toBe(1)
  expect(report).toMatchObject({ healthy: false, libtorch: null, running: null })
  expect(report.problems).toHaveLength(1)
  expect(report.problems[0]?.what).toContain('ERR_TORCH_LIBTORCH_NOT_FOUND')
  expect(report.problems[0]?.fix).toContain('pip install')
  const { stdout } = await doctor([], { env })
  expect(stdout).toMatch(/\nproblem .*ERR_TORCH_LIBTORCH_NOT_FOUND[\s\S]*\nfix .*pip install[\s\S]*\nnot healthy\n$/)
})

test('where NODE_LIBTORCH_PATH names none, the fix is to correct or unset it', async () => {
  const { stdout, code } = await doctor([], { env: { NODE_LIBTORCH_PATH: '/nowhere' } })
  expect(code).toBe(1)
  expect(stdout).toMatch(/\nfix {7}correct or unset NODE_LIBTORCH_PATH: .*\n/)
  expect(stdout).not.toContain('install')
})

test.each([
  ['aborts', 'abort();', 'signal SIGABRT'],
  ['breaks memory', '*(volatile int*)1 = 1;', 'signal SIGSEGV'],
  ['ends the process', '_exit(3);', 'exit status 3'],
])('a libtorch that %s is reported, not suffered', async (_, body, end) => {
  const { report, code } = await reportOf({ env: { NODE_LIBTORCH_PATH: wheelThat(body) } })
  expect(code).toBe(1)
  expect(report.problems).toHaveLength(1)
  expect(report.problems[0]?.what).toContain(`${end} while opening libtorch`)
  expect(report.problems[0]?.fix).toMatch(/^pip install --force-reinstall .*, or correct or unset NODE_LIBTORCH_PATH$/)
})

test('a libtorch that hangs is reported after a time limit', async () => {
  const script = writeFile(join(temporaryFolder(), 'probe.mjs'), 'setInterval(() => {}, 1000)')
  const report = doctorReport(await runProbe({ file: script, timeoutMilliseconds: 300 }))
  expect(report.problems).toEqual([{ what: expect.stringContaining('no answer in 0.3 s'), fix: expect.any(String) }])
})

test('a library that is no libtorch is a problem with a fix', async () => {
  const site = makeWheel(temporaryFolder(), { version: `${libtorch.find().minor}.0` })
  const { report, code } = await reportOf({ env: { NODE_LIBTORCH_PATH: site } })
  expect(code).toBe(1)
  expect(report.problems[0]?.what).toContain('ERR_TORCH_LIBTORCH_BOOT')
  expect(report.problems[0]?.fix).toMatch(/^pip install --force-reinstall .*, or correct or unset NODE_LIBTORCH_PATH$/)
})

test('a CUDA build without a driver is healthy, with a note', () => {
  const info = { ...libtorch.find(), variant: 'cuda' as const, source: 'cache' as const }
  const running = {
    ...{ threads: 1, threadsReason: 'cores' as const, spin: 'shared' as const, cpuCapability: 'AVX2' },
    cuda: { driver: null, available: false },
    addon: { path: '/x', torch: `${info.minor}.0` },
  }
  const lines = [
    { stage: 'addons' as const, minors: [info.minor], driver: null },
    { stage: 'found' as const, found: info },
    { stage: 'booted' as const, info: { ...info, ...running }, devices: ['cpu'], milliseconds: 1 },
    { stage: 'computed' as const, milliseconds: 1 },
  ]
  const report = doctorReport({ lines, end: undefined, stderr: '' })
  expect(report).toMatchObject({
    healthy: true,
    problems: [],
    notes: [expect.stringMatching(/^CUDA build, no driver/)],
  })
  const broken = [
    { stage: 'addons' as const, minors: [info.minor], driver: [100, 13000] as [number, number] },
    ...lines.slice(1),
  ]
  expect(doctorReport({ lines: broken, end: undefined, stderr: '' }).problems[0]?.what).toContain('cuInit returned 100')
})

test('--version and --help', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  expect(await runNode([cliProgram, '--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
  for (const args of [['--help'], ['doctor', '--help']]) {
    const { code, stdout } = await runNode([cliProgram, ...args])
    expect(code).toBe(0)
    expect(stdout).toContain('Example:\n  $ npx node-libtorch doctor')
  }
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends it with %i, and its probe with it', async (signal, status) => {
  const pidFile = join(temporaryFolder(), 'pid')
  const body = `FILE* f = fopen("${pidFile}.new", "w"); fprintf(f, "%d", getpid()); fclose(f);
    rename("${pidFile}.new", "${pidFile}"); for (;;) pause();`
  const env = { ...process.env, NODE_OPTIONS: undefined, NODE_LIBTORCH_PATH: wheelThat(body) }
  const child = spawn(process.execPath, [cliProgram, 'doctor'], { env, stdio: ['ignore', 'inherit', 'pipe'] })
  const ended = new Promise((resolve) => child.on('close', (...end) => resolve(end)))
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  await expect.poll(() => existsSync(pidFile), { timeout: 10_000 }).toBe(true)
  child.kill(signal)
  expect(await ended).toEqual([status, null])
  expect(stderr).toBe('interrupted\n')
  expect(() => process.kill(Number(readFileSync(pidFile, 'utf8')), 0)).toThrow('ESRCH')
})

test('a reader that leaves early is no failure', () => {
  const pipe = '"$0" "$1" doctor --json | true'
  const { status, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', pipe, process.execPath, cliProgram])
  expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' })
})
