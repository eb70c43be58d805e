import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { hub } from '../../lib/io/hub.js'
import type { HubProgress } from '../../lib/io/hub-progress.js'
import { blobOf, type HubContent } from '../support/fake-hub.js'
import { hubForEachTest, quick } from '../support/hub-environment.js'
import { filesIn } from '../support/install-environment.js'
import { mayMount, smallDisk } from '../support/small-disk.js'
import { failure } from '../support/typed-failure.js'

const large = (name: string, size = 200_000): HubContent => ({ name, bytes: randomBytes(size), large: true })
const small = (name: string): HubContent => ({ name, bytes: Buffer.from(`{"${name}": 1}`), large: false })
const contents = [
  ...[small('README.md'), small('model_index.json'), small('unet/config.json'), small('text_encoder/config.json')],
  ...[large('unet/model.safetensors'), large('unet/model.bin'), large('text_encoder/model.safetensors')],
]

const here = hubForEachTest(...contents)

const snapshot = (options = {}) => hub.snapshot('timm/tiny', { ...quick, ...options })

const names = contents.map(({ name }) => name).sort()
const downloads = () => here.server.requests.filter(({ method, path }) => method === 'GET' && !path.startsWith('/api/'))

test('all files of a repository arrive in one folder, with two questions and no more', async () => {
  here.server.pageSize = 1000
  const folder = await snapshot()
  expect(folder).toBe(join(here.cache, 'models--timm--tiny', 'snapshots', here.server.commit))
  expect(filesIn(folder)).toEqual(names)
  for (const { name, bytes } of contents) expect(readFileSync(join(folder, name)).equals(bytes)).toBe(true)
  expect(here.server.requests.filter(({ method }) => method === 'HEAD')).toEqual([])
  expect(here.server.requests.filter(({ path }) => path.startsWith('/api/'))).toHaveLength(2)
})

test('a list of several pages is read to its end', async () => {
  here.server.pageSize = 2
  expect(filesIn(await snapshot())).toEqual(names)
})

test('a second call asks only which commit it is, and by commit nothing at all', async () => {
  const folder = await snapshot()
  here.server.requests.length = 0
  expect(await snapshot()).toBe(folder)
  expect(here.server.requests.map(({ path }) => path)).toEqual(['/api/models/timm/tiny/revision/main'])
  expect(await snapshot({ revision: here.server.commit })).toBe(folder)
  expect(here.server.requests).toHaveLength(1)
})

test('patterns choose what is fetched; later calls fetch what is missing', async () => {
  const folder = await snapshot({ allow: ['*.json', 'unet/'], ignore: '*.bin' })
  const chosen = ['model_index.json', 'text_encoder/config.json', 'unet/config.json', 'unet/model.safetensors']
  expect(filesIn(folder)).toEqual(chosen)
  here.server.requests.length = 0
  await snapshot({ ignore: ['*.bin', '*.md'] })
  expect(filesIn(folder)).toEqual([...chosen, 'text_encoder/model.safetensors'].sort())
  const fetched = here.server.requests.filter(({ host }) => host === 'cdn').map(({ path }) => path)
  expect(fetched).toEqual(['/text_encoder/model.safetensors'])
})

test('patterns that match nothing are an error that names what is near', async () => {
  const error = await failure(snapshot({ allow: 'model_indx.json' }))
  expect(error).toMatchObject({
    code: 'ERR_TORCH_HUB_NOT_FOUND',
    operation: 'hub.snapshot',
    details: { missing: 'file' },
  })
  expect(error.message).toContain("did you mean 'model_index.json'?")
})

test('no more files than asked for are fetched at the same time', async () => {
  let [running, most] = [0, 0]
  here.server.respond = ({ host }, response) => {
    if (host !== 'cdn') return false
    most = Math.max(most, ++running)
    const open = response.end.bind(response) as (chunk?: unknown) => typeof response
    response.end = ((chunk: unknown) => {
      setTimeout(() => {
        running--
        open(chunk)
      }, 50)
      return response
    }) as typeof response.end
    return false
  }
  await snapshot({ parallel: 2 })
  expect(most).toBe(2)
})

test('progress counts the bytes of all files together', async () => {
  const seen: HubProgress[] = []
  for await (const step of hub.snapshot.steps('timm/tiny', quick)) seen.push(step)
  const total = contents.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const steps = seen.filter(({ phase }) => phase === 'download')
  expect(new Set(steps.map((step) => step.total))).toEqual(new Set([total]))
  expect(steps.at(-1)?.done).toBe(total)
  const files = seen.flatMap(({ phase, subject }) => (phase === 'file' ? [subject] : []))
  expect(files.sort()).toEqual(names)
})

test('one bad file ends the call; the good ones stay, and the next call goes on', async () => {
  here.server.respond = ({ host, path }, response) => {
    if (host !== 'cdn' || !path.endsWith('model.bin')) return false
    response.end(randomBytes(200_000))
    return true
  }
  const error = await failure(snapshot({ parallel: 1 }))
  expect(error.code).toBe('ERR_TORCH_CHECKSUM')
  const folder = join(here.cache, 'models--timm--tiny', 'snapshots', here.server.commit)
  expect(existsSync(join(folder, 'unet/model.bin'))).toBe(false)
  expect(existsSync(join(folder, 'unet/model.safetensors'))).toBe(true)
  expect(existsSync(join(here.cache, 'models--timm--tiny', 'refs', 'main'))).toBe(false)
  here.server.respond = () => false
  here.server.requests.length = 0
  expect(filesIn(await snapshot())).toEqual(names)
  expect(here.server.downloads('unet/model.safetensors')).toEqual([])
})

test('abort ends all downloads', async () => {
  here.server.respond = ({ host }, response) => {
    if (host === 'cdn') response.writeHead(200, { 'content-length': 200_000 }).write(Buffer.alloc(1000))
    return host === 'cdn'
  }
  const reason = new Error('enough')
  const controller = new AbortController()
  const steps = hub.snapshot.steps('timm/tiny', { ...quick, timeoutSeconds: 60, signal: controller.signal })
  const read = async () => {
    for await (const { done = 0 } of steps) if (done > 1000) controller.abort(reason)
  }
  await expect(read()).rejects.toBe(reason)
  expect(filesIn(join(here.cache, '.locks'))).toEqual([])
})

test('offline a complete snapshot is found, and of an incomplete one is said what is missing', async () => {
  const folder = await snapshot()
  expect(await snapshot({ offline: true })).toBe(folder)
  rmSync(join(folder, 'unet/config.json'))
  rmSync(join(folder, 'unet/model.bin'))
  const error = await failure(snapshot({ offline: true }))
  expect(error.code).toBe('ERR_TORCH_HUB_OFFLINE')
  expect(error.message).toContain('unet/config.json and 1 more files of timm/tiny (main)')
  expect(await snapshot({ offline: true, allow: '*.md' })).toBe(folder)
  expect((await failure(snapshot({ offline: true, revision: 'v1' }))).code).toBe('ERR_TORCH_HUB_OFFLINE')
  here.server.close()
  expect(await snapshot({ allow: '*.md' })).toBe(folder)
  expect((await failure(snapshot({ retries: 0 }))).code).toBe('ERR_TORCH_DOWNLOAD')
})

test('a file that is shorter than the list of files says is not handed out: offline it is missing, else fetched again', async () => {
  const folder = await snapshot()
  const [weights] = contents.filter(({ name }) => name === 'unet/model.bin') as [HubContent]
  const cutOff = () => writeFileSync(join(here.repository, 'blobs', blobOf(weights)), weights.bytes.subarray(0, 10))
  for (const revision of [here.server.commit, 'main']) {
    cutOff()
    const error = await failure(snapshot({ revision, offline: true }))
    expect(error.code).toBe('ERR_TORCH_HUB_OFFLINE')
    expect(error.message).toContain('unet/model.bin of timm/tiny')
    expect(await snapshot({ revision, offline: true, ignore: '*.bin' })).toBe(folder)
    expect(await snapshot({ revision })).toBe(folder)
    expect(readFileSync(join(folder, 'unet/model.bin')).equals(weights.bytes)).toBe(true)
  }
  cutOff()
  here.server.close()
  expect((await failure(snapshot({ retries: 0 }))).code).toBe('ERR_TORCH_DOWNLOAD')
})

test('offline, of a snapshot whose list of files is not known, named files must be there', async () => {
  const path = await hub.file('timm/tiny', 'README.md', quick)
  const folder = join(path, '..')
  expect(await snapshot({ offline: true, allow: ['README.md', '*.json'] })).toBe(folder)
  const error = await failure(snapshot({ offline: true, allow: ['README.md', 'model_index.json'] }))
  expect(error.code).toBe('ERR_TORCH_HUB_OFFLINE')
})

test('a list of files that is damaged is fetched again', async () => {
  await snapshot()
  const tree = join(here.cache, 'models--timm--tiny', 'trees', `${here.server.commit}.json`)
  const evil = { format_version: 1, files: { '../../evil': { size: 1, blob_id: blobOf(small('README.md')) } } }
  for (const text of ['{"format_version": 1, "fi', 'null', '[]', JSON.stringify(evil)]) {
    writeFileSync(tree, text)
    here.server.requests.length = 0
    expect(filesIn(await snapshot())).toEqual(names)
    expect(here.server.requests).toHaveLength(2)
  }
})

test.each([
  ['a path', { path: '../evil' }],
  ['a checksum', { oid: '../evil' }],
  ['a large checksum', { lfs: { oid: 'x', size: 3 } }],
  ['a size', { size: -1 }],
])('a list with %s that leads elsewhere is refused', async (_, change) => {
  const entry = { type: 'file', path: 'a', size: 3, oid: 'a'.repeat(40), ...change }
  here.server.respond = ({ path }, response) => {
    if (path.includes('/tree/')) response.end(JSON.stringify([entry]))
    return path.includes('/tree/')
  }
  expect((await failure(snapshot({ retries: 0 }))).code).toBe('ERR_TORCH_DOWNLOAD')
  expect(filesIn(here.cache)).toEqual([])
})

test.skipIf(!mayMount)('a disk that is too small for all is told before anything is fetched', async () => {
  vi.stubEnv('HF_HUB_CACHE', smallDisk(500))
  const error = await failure(snapshot())
  expect(error.code).toBe('ERR_TORCH_DISK')
  expect(error.message).toMatch(/^Expected 0\.6 MB of free disk space for .* but found 0\.5 MB$/)
  expect(downloads()).toEqual([])
})

test('a list that is no list is refused', async () => {
  here.server.respond = ({ path }, response) => {
    if (path.includes('/tree/')) response.end('<html>')
    return path.includes('/tree/')
  }
  expect((await failure(snapshot({ retries: 0 }))).message).toContain('Expected JSON')
})
