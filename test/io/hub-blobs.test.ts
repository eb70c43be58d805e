// Blobs that lie in the cache without a name in the snapshot: another client left them, or was ended before it named them.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hub } from '../../lib/io/hub.js'
import type { HubProgress } from '../../lib/io/hub-progress.js'
import { blobOf, type HubContent } from '../support/fake-hub.js'
import { hubForEachTest, quick } from '../support/hub-environment.js'
import { filesIn } from '../support/install-environment.js'
import { temporaryFolder, writeFile } from '../support/libtorch-folders.js'
import { failure } from '../support/typed-failure.js'

const weights: HubContent = { name: 'model.safetensors', bytes: randomBytes(2_500_000), large: true }
const config: HubContent = { name: 'config.json', bytes: Buffer.from('{"architecture": "tiny"}'), large: false }
const here = hubForEachTest(weights, config)

const blobPath = (content: HubContent) => join(here.repository, 'blobs', blobOf(content))
const leave = (content: HubContent, bytes: Buffer) => {
  mkdirSync(dirname(blobPath(content)), { recursive: true })
  writeFileSync(blobPath(content), bytes)
}
const file = (content: HubContent, options = {}) => hub.file('timm/tiny', content.name, { ...quick, ...options })
const snapshot = (options = {}) => hub.snapshot('timm/tiny', { ...quick, ...options })
const downloads = () => [weights, config].map(({ name }) => here.server.downloads(name).length)

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes)
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
  return changed
}

describe.each([
  ['a large file, by its SHA-256', weights],
  ['a small file, by its git SHA-1', config],
])('the blob of %s', (_, content) => {
  const damages: [string, Buffer][] = [
    ['with a flipped bit at its beginning', flipped(content.bytes, 0)],
    ['with a flipped bit at its end', flipped(content.bytes, content.bytes.length - 1)],
    ['of zeros', Buffer.alloc(content.bytes.length)],
    ['that is empty', Buffer.alloc(0)],
  ]

  test('that is right gets its name and is not fetched', async () => {
    leave(content, content.bytes)
    expect(readFileSync(await file(content)).equals(content.bytes)).toBe(true)
    expect(downloads()).toEqual([0, 0])
  })

  test.each(damages)('%s is fetched anew', async (_, bytes) => {
    leave(content, bytes)
    const path = await file(content)
    expect(readFileSync(path).equals(content.bytes)).toBe(true)
    expect(here.server.downloads(content.name)).toHaveLength(1)
    expect(filesIn(dirname(blobPath(content)))).toEqual([blobOf(content)])
    await file(content)
    expect(here.server.downloads(content.name)).toHaveLength(1)
  })

  test('that is wrong gets no name where the right one cannot be had', async () => {
    leave(content, flipped(content.bytes, 5))
    here.server.respond = ({ method, host }, response) => {
      const refused = method === 'GET' && host === (content.large ? 'cdn' : 'hub')
      if (refused) response.writeHead(503).end()
      return refused
    }
    expect((await failure(file(content, { retries: 0 }))).code).toBe('ERR_TORCH_DOWNLOAD')
    expect(existsSync(here.snapshotFile(content.name))).toBe(false)
  })
})

test('a snapshot fetches those blobs that are wrong, and no others', async () => {
  leave(weights, flipped(weights.bytes, 1_000_000))
  leave(config, config.bytes)
  const seen: HubProgress[] = []
  for await (const step of hub.snapshot.steps('timm/tiny', quick)) seen.push(step)
  const path = here.snapshotFile(weights.name)
  expect(readFileSync(path).equals(weights.bytes)).toBe(true)
  expect(downloads()).toEqual([1, 0])
  const { done, total } = seen.filter(({ phase }) => phase === 'download').at(-1) as HubProgress
  expect([done, total]).toEqual([weights.bytes.length, weights.bytes.length])
})

test('a wrong blob that another commit names is replaced there too', async () => {
  const wrong = flipped(weights.bytes, 7)
  leave(weights, wrong)
  const other = join(here.repository, 'snapshots', 'f'.repeat(40), weights.name)
  mkdirSync(dirname(other), { recursive: true })
  symlinkSync(relative(dirname(other), blobPath(weights)), other)
  await file(weights)
  expect(readFileSync(other).equals(weights.bytes)).toBe(true)
})

test('a blob that is a link to a store of several repositories is read behind the link', async () => {
  const stored = writeFile(join(temporaryFolder(), 'blob'), '')
  writeFileSync(stored, weights.bytes)
  mkdirSync(dirname(blobPath(weights)), { recursive: true })
  symlinkSync(stored, blobPath(weights))
  await file(weights)
  expect(downloads()).toEqual([0, 0])
  rmSync(here.snapshotFile(weights.name))
  writeFileSync(stored, flipped(weights.bytes, 3))
  expect(readFileSync(await file(weights)).equals(weights.bytes)).toBe(true)
  expect(readFileSync(stored).equals(weights.bytes)).toBe(false) // replaced, not written to
})

test('what a snapshot names already is trusted', async () => {
  await snapshot()
  writeFileSync(blobPath(weights), flipped(weights.bytes, 9))
  await file(weights)
  await snapshot()
  expect(downloads()).toEqual([1, 1])
})

test('an abort while a blob is read rejects with the reason and names nothing', async () => {
  leave(weights, weights.bytes)
  const reason = new Error('enough')
  for (const milliseconds of [0, 1, 2, 4]) {
    const controller = new AbortController()
    here.server.respond = ({ method }) => {
      if (method === 'HEAD') setTimeout(() => controller.abort(reason), milliseconds)
      return false
    }
    const outcome = await file(weights, { signal: controller.signal }).catch((error) => error)
    const path = here.snapshotFile(weights.name)
    expect([path, reason]).toContain(outcome)
    if (outcome === reason) expect(existsSync(path)).toBe(false)
    expect(filesIn(join(here.cache, '.locks'))).toEqual([])
    rmSync(path, { force: true })
  }
  expect(downloads()).toEqual([0, 0])
})
