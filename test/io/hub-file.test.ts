import { randomBytes } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { hub } from '../../lib/io/hub.js'
import { findInHubCache } from '../../lib/io/hub-cache.js'
import type { HubProgress } from '../../lib/io/hub-progress.js'
import { blobOf, type HubContent } from '../support/fake-hub.js'
import { hubForEachTest, quick } from '../support/hub-environment.js'
import { filesIn } from '../support/install-environment.js'
import { failure } from '../support/typed-failure.js'

const weights: HubContent = { name: 'model.safetensors', bytes: randomBytes(300_000), large: true }
const config: HubContent = { name: 'config.json', bytes: Buffer.from('{"architecture": "tiny"}'), large: false }
const here = hubForEachTest(weights, config)

const file = (name: string, options = {}) => hub.file('timm/tiny', name, { ...quick, ...options })
const blobs = () => filesIn(join(here.repository, 'blobs'))

test('a file lies where Python would put it: a blob named by its checksum, a link, a reference', async () => {
  for (const content of [weights, config]) {
    const path = await file(content.name)
    expect(path).toBe(here.snapshotFile(content.name))
    expect(readFileSync(path).equals(content.bytes)).toBe(true)
    expect(readlinkSync(path)).toBe(`../../blobs/${blobOf(content)}`)
  }
  expect(readFileSync(join(here.repository, 'refs', 'main'), 'utf8')).toBe(here.server.commit)
  expect(readFileSync(join(here.cache, 'CACHEDIR.TAG'), 'utf8')).toMatch(
    /^Signature: 8a477f597d28d172789f06886806bc55\n/,
  )
  expect(filesIn(here.cache).filter((path) => /\.(tmp|partial|json|node-libtorch)$/.test(path))).toEqual([
    `models--timm--tiny/snapshots/${here.server.commit}/config.json`,
  ])
})

test('what is in the cache is not fetched again; by commit the hub is not even asked', async () => {
  const path = await file(weights.name)
  here.server.requests.length = 0
  expect(await file(weights.name)).toBe(path)
  expect(here.server.requests.map(({ method }) => method)).toEqual(['HEAD'])
  expect(await file(weights.name, { revision: here.server.commit })).toBe(path)
  expect(here.server.requests).toHaveLength(1)
  await file(weights.name, { force: true })
  expect(here.server.downloads(weights.name)).toHaveLength(1)
})

test('a file in a folder, a tag, and a pull request', async () => {
  here.server.files.push({ name: 'unet/a file.json', bytes: Buffer.from('{}'), large: false })
  const path = await file('unet/a file.json', { revision: 'refs/pr/1' })
  expect(path).toBe(here.snapshotFile('unet/a file.json'))
  expect(readlinkSync(path)).toMatch(/^\.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/)
  await file(config.name, { revision: 'v1' })
  for (const name of ['refs/pr/1', 'v1']) {
    expect(readFileSync(join(here.repository, 'refs', name), 'utf8')).toBe(here.server.commit)
  }
})

test('an empty file', async () => {
  here.server.files.push({ name: '__init__.py', bytes: Buffer.alloc(0), large: false })
  expect(readFileSync(await file('__init__.py'))).toHaveLength(0)
})

test('two names of the same content share a blob', async () => {
  here.server.files.push({ ...weights, name: 'copy.safetensors' })
  await file(weights.name)
  await file('copy.safetensors')
  expect(blobs()).toEqual([blobOf(weights)])
  expect(here.server.requests.filter(({ method, host }) => method === 'GET' && host === 'cdn')).toHaveLength(1)
})

test('a new commit is another snapshot, and what is the same in it is not fetched again', async () => {
  const before = await file(weights.name)
  here.server.commit = 'b'.repeat(40)
  here.server.requests.length = 0
  const after = await file(weights.name)
  expect([before === after, readlinkSync(before) === readlinkSync(after)]).toEqual([false, true])
  expect(here.server.requests.map(({ method }) => method)).toEqual(['HEAD'])
  expect(readFileSync(join(here.repository, 'refs', 'main'), 'utf8')).toBe(here.server.commit)
})

test('without links a snapshot holds the files themselves', async () => {
  vi.stubEnv('HF_HUB_DISABLE_SYMLINKS', '1')
  const path = await file(weights.name)
  expect(lstatSync(path).isFile()).toBe(true)
  expect(readFileSync(path).equals(weights.bytes)).toBe(true)
})

test('leaving the progress early ends the work', async () => {
  for await (const { phase } of hub.file.steps('timm/tiny', weights.name, quick)) if (phase === 'download') break
  expect(existsSync(here.snapshotFile(weights.name))).toBe(false)
})

test('progress grows up to the size of the file, and ends with its name', async () => {
  const seen: HubProgress[] = []
  for await (const step of hub.file.steps('timm/tiny', weights.name, quick)) seen.push(step)
  const done = seen.flatMap(({ phase, done }) => (phase === 'download' ? [done ?? -1] : []))
  expect(done).toEqual(done.toSorted((a, b) => a - b))
  expect(done.at(-1)).toBe(weights.bytes.length)
  expect(seen.at(0)).toEqual({ phase: 'ask', subject: 'timm/tiny (main)' })
  expect(seen.at(-1)).toEqual({ phase: 'file', subject: weights.name })
})

test.each([
  ['a revision', { revision: '../x' }],
  ['an endpoint', { endpoint: 'ftp://hub' }],
  ['an endpoint with a password', { endpoint: 'me:s3cret' }],
  ['a type', { type: 'module' }],
  ['retries', { retries: -1 }],
  ['a token', { token: 5 }],
])('%s that is none is refused', async (_, options) => {
  const error = await failure(file(config.name, options))
  expect(error).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT', operation: 'hub.file' })
  expect(error.message).not.toContain('s3cret')
  expect(here.server.requests).toEqual([])
})

test('the name may say a revision, of which one is enough', async () => {
  const path = await hub.file('timm/tiny@v1', config.name, quick)
  expect(path).toBe(here.snapshotFile(config.name))
  expect(readFileSync(join(here.repository, 'refs', 'v1'), 'utf8')).toBe(here.server.commit)
  const offline = { ...quick, offline: true }
  expect(await hub.file('hf-hub:timm/tiny@v1', config.name, { ...offline, revision: 'v1' })).toBe(path)
  expect(await findInHubCache('timm/tiny@v1', config.name)).toBe(path)
  expect(await findInHubCache('timm/tiny', config.name)).toBe(undefined)
  const refused = { code: 'ERR_TORCH_INVALID_ARGUMENT' }
  const other = { revision: 'main' }
  expect(await failure(hub.file('timm/tiny@v1', config.name, other))).toMatchObject({
    ...refused,
    operation: 'hub.file',
  })
  expect(await failure(hub.snapshot('timm/tiny@v1', other))).toMatchObject({ ...refused, operation: 'hub.snapshot' })
  expect(await failure(findInHubCache('timm/tiny@v1', config.name, other))).toMatchObject(refused)
  for (const name of ['timm/tiny@', 'timm/tiny@v1@v1', '@v1', 'timm/tiny@../v1', 'hf-hub:', 'hf-hub:a/b/c', 5]) {
    expect(await failure(hub.file(name as string, config.name, quick))).toMatchObject(refused)
  }
})

test('names that could lead elsewhere, and unknown options, are refused', async () => {
  for (const name of ['../x', '/etc/passwd', 'a\\b', '', 5]) {
    expect((await failure(file(name as string))).code).toBe('ERR_TORCH_INVALID_ARGUMENT')
  }
  expect((await failure(hub.file('a/b/c', 'x'))).code).toBe('ERR_TORCH_INVALID_ARGUMENT')
  const error = await failure(file('x', { revison: 'main' }))
  expect(error).toMatchObject({ code: 'ERR_TORCH_UNKNOWN_OPTION', details: { nearest: 'revision' } })
  expect(readdirSync(dirname(here.cache))).not.toContain('x')
})
