import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { stepLines } from '../../lib/cli/step-progress.js'
import type { HubProgress } from '../../lib/io/hub-progress.js'
import { cliProgram, runNode, startCli } from '../support/child-script.js'
import { blobOf, type FakeHub, type HubContent, sendBytes, startFakeHub } from '../support/fake-hub.js'
import { oraclePython } from '../support/golden-modules.js'
import { bareHub } from '../support/hub-environment.js'
import { filesIn } from '../support/install-environment.js'

const weights: HubContent = { name: 'model.safetensors', bytes: randomBytes(2_000_000), large: true }
const config: HubContent = { name: 'config.json', bytes: Buffer.from('{}'), large: false }

let server: FakeHub
let environment: ReturnType<typeof bareHub>
let folder: string
beforeEach(async () => {
  server = await startFakeHub(weights, config)
  environment = bareHub(server)
  folder = join(environment.cache, 'models--timm--tiny', 'snapshots', server.commit)
})

const quick = ['--retries', '2', '--timeout', '5']
const pull = (args: string[], env = {}) =>
  runNode([cliProgram, 'pull', ...args, ...quick], { env: { ...environment.variables, ...env } })

/** A pull that the test can end. */
const startPull = (args: string[]) => startCli(['pull', ...args, ...quick], environment.variables)

/** Sends the first million bytes of the weights, and then nothing. */
function stallInTheMiddle(onStall: () => void): void {
  server.respond = (request, response) => {
    if (request.host !== 'cdn' || request.range !== undefined) return false
    response.writeHead(200, { etag: '"1"', 'content-length': weights.bytes.length })
    response.write(weights.bytes.subarray(0, 1_000_000), () => setTimeout(onStall, 500))
    return true
  }
}

const resumedAt = () =>
  server.downloads(weights.name).flatMap(({ range }) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? Number.NaN))

test('puts a repository into the cache, with a line for each step, and prints the folder', async () => {
  const { code, stdout, stderr } = await pull(['timm/tiny'])
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${folder}\n` })
  expect(stderr).toMatch(/^asking the hub for timm\/tiny \(main\)\ndownloading timm\/tiny \(2\.0 MB\)\n/)
  for (const line of ['complete: config.json', 'complete: model.safetensors', 'downloading timm/tiny: 100 %']) {
    expect(stderr.split('\n').filter((each) => each === line)).toHaveLength(1)
  }
  expect(filesIn(folder)).toEqual(['config.json', 'model.safetensors'])
  const again = await pull(['timm/tiny', '--json', '--offline'])
  expect(JSON.parse(again.stdout)).toEqual({ pulled: true, repository: 'timm/tiny', folder })
  expect(again.stderr).toBe('')
})

test('names and patterns choose files', async () => {
  expect((await pull(['timm/tiny', '*.json', '--revision', 'v1'])).code).toBe(0)
  expect(filesIn(folder)).toEqual(['config.json'])
  await pull(['timm/tiny', '--ignore', '*.json', '*.bin'])
  expect(filesIn(folder)).toEqual(['config.json', 'model.safetensors'])
})

test('the name may say a revision, as for a load; another one in the option is a wrong argument', async () => {
  const { code, stdout, stderr } = await pull(['timm/tiny@v1', 'config.json'])
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${folder}\n` })
  expect(stderr).toMatch(/^asking the hub for timm\/tiny \(v1\)\n/)
  expect(readFileSync(join(folder, '..', '..', 'refs', 'v1'), 'utf8')).toBe(server.commit)
  expect((await pull(['hf-hub:timm/tiny@v1', '--revision', 'v1', '--offline', 'config.json'])).code).toBe(0)
  expect((await pull(['timm/tiny@v9'])).stderr).toContain('the revision v9 of timm/tiny')
  server.requests.length = 0
  const twice = await pull(['timm/tiny@v1', '--revision', 'main'])
  const message = "error: Expected 'v1', as in timm/tiny@v1, for revision but received 'main'\n"
  expect(twice).toMatchObject({ code: 2, stdout: '', stderr: message })
  expect(server.requests).toEqual([])
})

test.each([
  ['nobody listens', 'http://127.0.0.1:9', {}, 'ECONNREFUSED'],
  ['nobody knows the host', 'http://hub.invalid', {}, '(ENOTFOUND|EAI_AGAIN)'],
  ['the proxy is not there', 'https://hub.invalid', { HTTPS_PROXY: 'http://127.0.0.1:9' }, 'ECONNREFUSED'],
])('where %s it says what mends that', async (_, endpoint, variables, reason) => {
  const env = { ...environment.variables, HF_ENDPOINT: endpoint, ...variables }
  const { code, stderr } = await runNode([cliProgram, 'pull', 'timm/tiny@v1', '--retries', '0'], { env })
  expect(code).toBe(1)
  expect(stderr).toMatch(
    new RegExp(`\nerror: Expected .*${reason}.*\\. Set HTTPS_PROXY .*HF_ENDPOINT .*HF_HUB_OFFLINE=1`),
  )
  expect(stderr).toContain("'npx node-libtorch pull timm/tiny --revision v1' fills the cache")
})

test.each(['dataset', 'space'] as const)('a %s is pulled by its type', async (type) => {
  server.type = type
  expect((await pull(['timm/tiny'])).stderr).toContain('the hub has no such repository')
  const { code, stdout } = await pull(['timm/tiny', '--type', type])
  const place = join(environment.cache, `${type}s--timm--tiny`, 'snapshots', server.commit)
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${place}\n` })
})

test('failures are one message with exit status 1', async () => {
  const missing = await pull(['timm/tiny', 'config.jsn'])
  expect(missing).toMatchObject({ code: 1, stdout: '' })
  expect(missing.stderr).toMatch(/\nerror: Expected files of timm\/tiny .* \(did you mean 'config\.json'\?\)\n$/)
  const message = (args: string[]) => pull(args).then(({ stderr }) => stderr.trimEnd().split('\n').at(-1))
  const has = "but it has 'config.json', 'model.safetensors'"
  expect(await message(['timm/tiny', 'nope.bin', '*.pt'])).toBe(
    `error: Expected files of timm/tiny (main) that match 'nope.bin', '*.pt' ${has}`,
  )
  expect(await message(['timm/tiny', '--ignore', '*'])).toBe(
    `error: Expected files of timm/tiny (main) that do not match '*' ${has}`,
  )
  const other = await pull(['timm/other', '--json'])
  expect(JSON.parse(other.stdout).error.code).toBe('ERR_TORCH_HUB_NOT_FOUND')
  const offline = await pull(['timm/tiny'], { HF_HUB_OFFLINE: '1' })
  expect(offline).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error: .*HF_HUB_OFFLINE/) })
})

test.each([
  [['timm/tiny', '--retries', 'many'], /Expected a number/],
  [
    ['timm/tiny', '--retries', '-1'],
    /^error: option '--retries <number>' argument '-1' is invalid. Expected .* >= 0\.\n$/,
  ],
  [
    ['timm/tiny', '--timeout', '0'],
    /^error: option '--timeout <seconds>' argument '0' is invalid. Expected .* >= 0\.1\.\n/,
  ],
  [['timm/tiny', '--type', 'thing'], /Allowed choices are model, dataset, space/],
  [['../tiny'], /Expected a repository's name/],
  [[], /missing required argument 'repository'/],
])('%j is refused with exit status 2', async (args, message) => {
  const { code, stdout, stderr } = await pull(args as string[])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(message as RegExp)
})

test('a process that is killed in the middle leaves nothing to be found, and the next goes on where it was', async () => {
  const { child, ended } = startPull(['timm/tiny'])
  stallInTheMiddle(() => child.kill('SIGKILL'))
  expect(await ended).toMatchObject({ signal: 'SIGKILL' })
  expect(existsSync(join(folder, weights.name))).toBe(false)
  server.respond = () => false
  expect((await pull(['timm/tiny'])).code).toBe(0)
  expect(readFileSync(join(folder, weights.name)).equals(weights.bytes)).toBe(true)
  expect(resumedAt().at(-1)).toBeGreaterThan(900_000)
  expect(filesIn(join(environment.cache, '.locks'))).toEqual([])
})

test('a process that is killed at any time leaves nothing half-finished to be found', async () => {
  const rounds = process.env.FULL === '1' ? 60 : 6
  for (let round = 0; round < rounds; round++) {
    const { child, ended } = startPull(['timm/tiny', '--force'])
    setTimeout(() => child.kill('SIGKILL'), 150 + (round * 300) / rounds)
    await ended
    const file = join(folder, weights.name)
    if (existsSync(file)) expect(statSync(file).size).toBe(weights.bytes.length)
  }
  const { code, stderr } = await pull(['timm/tiny', '--force'])
  expect(code, stderr).toBe(0)
  expect(readFileSync(join(folder, weights.name)).equals(weights.bytes)).toBe(true)
  const left = filesIn(environment.cache).filter((name) => /partial|\.locks/.test(name))
  expect(left).toEqual([])
})

test('of four at once one fetches, and all find the files', async () => {
  server.respond = (request, response) => {
    if (request.host === 'cdn') setTimeout(() => sendBytes(request, response, weights.bytes), 1500)
    return request.host === 'cdn'
  }
  const runs = await Promise.all([1, 2, 3, 4].map(() => pull(['timm/tiny'])))
  expect(runs.map(({ code, stdout }) => [code, stdout])).toEqual(runs.map(() => [0, `${folder}\n`]))
  expect(runs.filter(({ stderr }) => /waiting: process \d+ is fetching model.safetensors/.test(stderr))).toHaveLength(3)
  expect(server.downloads(weights.name)).toHaveLength(1)
})

test('Python at the same time fetches for itself, and neither harms the other', { timeout: 60_000 }, async () => {
  server.respond = (request, response) => {
    if (request.host === 'cdn') setTimeout(() => sendBytes(request, response, weights.bytes), 1500)
    return request.host === 'cdn'
  }
  const program = 'import huggingface_hub\nprint(huggingface_hub.snapshot_download("timm/tiny"))'
  const env = { ...process.env, ...environment.variables, HF_HUB_DISABLE_PROGRESS_BARS: '1' }
  const python = spawn(oraclePython, ['-B', '-c', program], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  const theirs = new Promise((resolve) => python.on('close', resolve))
  const runs = await Promise.all([1, 2].map(() => pull(['timm/tiny'])))
  expect([await theirs, ...runs.map(({ code }) => code)]).toEqual([0, 0, 0])
  expect(readFileSync(join(folder, weights.name)).equals(weights.bytes)).toBe(true)
  const blobs = filesIn(join(environment.cache, 'models--timm--tiny', 'blobs'))
  expect(blobs).toEqual([blobOf(config), blobOf(weights)].sort())
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends a download cleanly with exit status %i', async (signal, code) => {
  const { child, ended } = startPull(['timm/tiny'])
  stallInTheMiddle(() => child.kill(signal))
  const end = await ended
  expect(end).toMatchObject({ code, signal: null, stderr: expect.stringContaining('interrupted: the same command') })
  expect(end.stderr).not.toContain('    at ')
  expect(filesIn(join(environment.cache, '.locks'))).toEqual([])
})

test('no token is printed, whatever happens', async () => {
  server.token = 'hf_right'
  const refused = await pull(['timm/tiny'], { HF_TOKEN: 'hf_s3cret' })
  expect(refused.code).toBe(1)
  expect(`${refused.stdout}${refused.stderr}`).not.toContain('s3cret')
})

test('plain progress of many files says each step once', () => {
  const lines: string[] = []
  const view = stepLines((line) => lines.push(line))
  const download = (done: number): HubProgress => ({ phase: 'download', subject: 'a/b', done, total: 8e6 })
  const file = (subject: string): HubProgress => ({ phase: 'file', subject })
  for (const step of [download(0), download(3e6), file('x'), download(5e6), file('y'), download(8e6)]) view.show(step)
  expect(lines).toEqual([
    ...['downloading a/b (8.0 MB)', 'downloading a/b: 25 %', 'complete: x', 'downloading a/b: 50 %'],
    ...['complete: y', 'downloading a/b: 100 %'],
  ])
})

test('on a terminal there is one bar, and the terminal is left as it was', async () => {
  const command = [process.execPath, cliProgram, 'pull', 'timm/tiny', ...quick].join(' ')
  const env = { ...process.env, NODE_OPTIONS: undefined, ...environment.variables, TERM: 'xterm' }
  const child = spawn('script', ['-qec', command, '/dev/null'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for await (const chunk of child.stdout) output += chunk
  expect(output).toMatch(/downloading timm\/tiny \[.*\] 100 % \| 2\.0 of 2\.0 MB/)
  expect(output.lastIndexOf('\x1b[?25h')).toBeGreaterThan(output.lastIndexOf('\x1b[?25l'))
  expect(output).toContain(folder)
  expect(output).not.toContain('complete:')
})
