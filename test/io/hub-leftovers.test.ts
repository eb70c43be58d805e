// Beginnings of blobs that nobody will go on with: which a later call removes, and which it leaves.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { withFileLock } from '../../lib/io/file-lock.js'
import { hub } from '../../lib/io/hub.js'
import { blobOf, type HubContent, sendBytes } from '../support/fake-hub.js'
import { hubForEachTest, quick } from '../support/hub-environment.js'
import { filesIn } from '../support/install-environment.js'

const weights: HubContent = { name: 'model.safetensors', bytes: randomBytes(100_000), large: true }
const config: HubContent = { name: 'config.json', bytes: Buffer.from('{}'), large: false }
const here = hubForEachTest(weights, config)
const unwanted = 'a'.repeat(64)

const fetchConfig = (options = {}) => hub.file('timm/tiny', config.name, { ...quick, ...options })
const partial = (blob: string) => join(here.repository, 'blobs', `${blob}.partial`)
const left = () => filesIn(join(here.repository, 'blobs')).filter((name) => name.includes('.partial'))

function begin(blob: string, daysAgo: number, files = [partial(blob), `${partial(blob)}.json`]): void {
  for (const path of files) {
    writeFileSync(path, '{"total": 9}')
    const then = new Date(Date.now() - daysAgo * 24 * 3600 * 1000)
    utimesSync(path, then, then)
  }
}

beforeEach(() => {
  for (const folder of ['models--timm--tiny/blobs', '.locks/models--timm--tiny']) {
    mkdirSync(join(here.cache, folder), { recursive: true })
  }
})

test('those that have lain for a week go when something is fetched, younger ones stay', async () => {
  const young = 'b'.repeat(64)
  begin(unwanted, 8)
  begin(young, 6)
  await fetchConfig()
  expect(left()).toEqual([`${young}.partial`, `${young}.partial.json`])
})

test('those of a blob that is there go, also a note alone', async () => {
  await hub.file('timm/tiny', weights.name, quick)
  begin(blobOf(weights), 0)
  begin('c'.repeat(64), 8, [`${partial('c'.repeat(64))}.json`])
  await hub.snapshot('timm/tiny', quick)
  expect(left()).toEqual([])
  expect(filesIn(join(here.cache, '.locks'))).toEqual([])
})

test('one that a process is fetching stays, however old it looks', async () => {
  begin(unwanted, 8)
  const lock = join(here.cache, '.locks', 'models--timm--tiny', `${unwanted}.node-libtorch`)
  await withFileLock(lock, {}, () => fetchConfig())
  expect(left()).toHaveLength(2)
  await fetchConfig()
  expect(left()).toHaveLength(2) // where nothing is fetched, nothing is tidied
  await fetchConfig({ force: true })
  expect(left()).toEqual([])
})

test('what is being fetched by the same call is not taken away from it', async () => {
  begin(blobOf(weights), 30)
  here.server.respond = (request, response) => {
    if (request.host === 'cdn') setTimeout(() => sendBytes(request, response, weights.bytes), 300)
    return request.host === 'cdn'
  }
  const fetched = hub.file('timm/tiny', weights.name, quick)
  await fetchConfig()
  expect(existsSync(await fetched)).toBe(true)
})

test("files of other programs stay, Python's too", async () => {
  const names = [`${unwanted}.1234abcd.incomplete`, 'notes.partial', `${unwanted}.partial.txt`]
  const files = names.map((name) => join(here.repository, 'blobs', name))
  begin('', 90, files)
  await fetchConfig()
  for (const file of files) expect(existsSync(file)).toBe(true)
})
