import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { hub } from '../../lib/io/hub.js'
import { inspectSafetensors } from '../../lib/io/safetensors-inspect.js'
import { blobOf, type HubContent, sendBytes } from '../support/fake-hub.js'
import { sha256 } from '../support/fake-wheel.js'
import { expectNoLeaks } from '../support/handles.js'
import { hubForEachTest, quick } from '../support/hub-environment.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { safetensorsBytes } from '../support/safetensors-bytes.js'
import { failure } from '../support/typed-failure.js'

expectNoLeaks()

const unet: HubContent = {
  name: 'unet/model.safetensors',
  bytes: safetensorsBytes({ weight: [200, 1000], bias: [200] }, { metadata: { format: 'pt' } }),
  large: true,
}
const names = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`layers.${i}.attention.weight`, [2]]))
const vae: HubContent = { name: 'vae.safetensors', bytes: safetensorsBytes(names, { seed: 1 }), large: true }
const config: HubContent = { name: 'config.json', bytes: Buffer.from('{}'), large: false }
const unetTensors = [
  { name: 'weight', dtype: 'float32', shape: [200, 1000], bytes: 800_000 },
  { name: 'bias', dtype: 'float32', shape: [200], bytes: 800 },
]

const here = hubForEachTest(unet, vae, config)

const inspect = (options = {}) => inspectSafetensors('timm/tiny', { ...quick, ...options })

test('of a repository that is not in the cache only headers are fetched', async () => {
  const [first, second] = await inspect()
  expect(first).toEqual({
    ...{ name: unet.name, path: undefined, bytes: unet.bytes.length, sha256: blobOf(unet), intact: undefined },
    ...{ metadata: { format: 'pt' }, tensors: unetTensors },
  })
  expect(second?.tensors).toHaveLength(3000)
  const ranges = here.server.requests.filter(({ host }) => host === 'cdn').map(({ path, range }) => `${path} ${range}`)
  const header = vae.bytes.readUInt32LE(0)
  expect(header).toBeGreaterThan(100_000)
  expect(ranges.sort()).toEqual(
    [
      `/${unet.name} bytes=0-99999`,
      `/${vae.name} bytes=0-99999`,
      `/${vae.name} bytes=0-${header + 7}`, // a header that is longer than most
    ].sort(),
  )
})

test('a server that knows no ranges is left once the header is there', async () => {
  here.server.respond = (request, response) => {
    if (request.host === 'cdn') sendBytes({ ...request, range: undefined }, response, unet.bytes)
    return request.host === 'cdn'
  }
  here.server.files.splice(1)
  expect((await inspect())[0]?.tensors).toEqual(unetTensors)
})

test.each(['dataset', 'space'] as const)('the files of a %s', async (type) => {
  here.server.type = type
  const [remote] = await inspect({ type })
  expect(remote).toMatchObject({ path: undefined, tensors: unetTensors })
  const path = await hub.file('timm/tiny', unet.name, { ...quick, type })
  expect((await inspect({ type }))[0]).toMatchObject({ path, intact: true, tensors: unetTensors })
  await expect(inspect()).rejects.toMatchObject({ details: { missing: 'repository' } })
})

test('what is in the cache is read there, with its checksum', async () => {
  await hub.file('timm/tiny', unet.name, quick)
  const path = await hub.file('timm/tiny', vae.name, { ...quick, revision: here.server.commit })
  here.server.requests.length = 0
  const [first, second] = await inspect()
  expect(first).toMatchObject({ name: unet.name, sha256: blobOf(unet), intact: true, tensors: unetTensors })
  expect(second).toMatchObject({ path, intact: true })
  expect(here.server.requests.filter(({ host }) => host === 'cdn')).toEqual([])
  here.server.close()
  expect(await inspect()).toHaveLength(2)
  expect(await inspect({ offline: true, checksum: false })).toMatchObject([
    { sha256: undefined, intact: undefined },
    {},
  ])
  expect(await inspectSafetensors(path)).toMatchObject([{ name: vae.name, intact: true }])
})

test('a file of the cache that is not what the hub promised is told', async () => {
  const path = await hub.file('timm/tiny', unet.name, quick)
  const damaged = Buffer.from(unet.bytes)
  damaged[damaged.length - 1] = 1
  writeFileSync(path, damaged)
  expect(await inspect({ offline: true })).toMatchObject([{ intact: false, sha256: sha256(damaged) }])
})

test('a header on the hub that is damaged is named by its place there', async () => {
  here.server.files.splice(0, 3, { name: 'bad.safetensors', bytes: unet.bytes.subarray(0, 5000), large: true })
  await expect(inspect()).rejects.toMatchObject({
    code: 'ERR_TORCH_FILE_FORMAT',
    message: expect.stringContaining('bad.safetensors of timm/tiny'),
  })
})

test('repositories without such files, and those that are nowhere', async () => {
  await expect(inspect({ offline: true })).rejects.toMatchObject({ code: 'ERR_TORCH_HUB_OFFLINE' })
  here.server.files.splice(0, 2)
  await expect(inspect()).rejects.toMatchObject({ code: 'ERR_TORCH_HUB_NOT_FOUND', details: { missing: 'file' } })
  await expect(inspectSafetensors('timm/other', quick)).rejects.toMatchObject({
    ...{ code: 'ERR_TORCH_HUB_NOT_FOUND', operation: 'inspectSafetensors', details: { missing: 'repository' } },
  })
})

test('a folder, and an index of several files', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'model-1.safetensors'), safetensorsBytes({ a: [2, 3] }))
  writeFileSync(join(folder, 'model-2.safetensors'), safetensorsBytes({ b: [], c: [0] }))
  const index = join(folder, 'model.safetensors.index.json')
  const shards = { a: 'model-1.safetensors', b: 'model-2.safetensors', c: 'model-2.safetensors' }
  writeFileSync(index, JSON.stringify({ metadata: {}, weight_map: shards }))
  const files = await inspectSafetensors(index)
  expect(files.map(({ name, tensors }) => [name, tensors.map((tensor) => tensor.shape)])).toEqual([
    ['model-1.safetensors', [[2, 3]]],
    ['model-2.safetensors', [[], [0]]],
  ])
  expect(await inspectSafetensors(pathToFileURL(folder))).toEqual(files)
  writeFileSync(index, JSON.stringify({ weight_map: { ...shards, d: 'model-1.safetensors' } }))
  await expect(inspectSafetensors(index)).rejects.toMatchObject({ code: 'ERR_TORCH_FILE_FORMAT' })
  await expect(inspectSafetensors(temporaryFolder())).rejects.toMatchObject({ code: 'ERR_TORCH_FILE_FORMAT' })
  expect(here.server.requests).toEqual([])
})

describe('a repository by its name', () => {
  test.each([
    ['timm/tiny', 'hf-hub:timm/tiny'],
    ['timm/tiny', 'hf_hub:timm/tiny@v1'],
    ['timm/tiny', 'timm/tiny@v1'],
    ['gpt2', 'hf-hub:gpt2'],
    ['gpt2', 'gpt2'],
    ['gpt2', 'gpt2@v1'],
  ])('%s is found by %s', async (repository, source) => {
    here.server.repository = repository
    expect(await inspectSafetensors(source, quick)).toHaveLength(2)
    const revision = source.includes('@') ? 'v1' : 'main'
    expect(here.server.requests[0]?.path).toBe(`/api/models/${repository}/revision/${revision}`)
  })

  test('that no repository has is said with the file that was not there', async () => {
    const nothing = "Expected a file, a folder or a repository but found nothing by the name 'none': "
    const { code, message, details } = await failure(inspectSafetensors('none', quick))
    expect([code, details]).toMatchObject(['ERR_TORCH_HUB_NOT_FOUND', { missing: 'repository' }])
    expect(message).toMatch(new RegExp(`^${nothing}.*the hub has no such repository`))
    const offline = await failure(inspectSafetensors('none', { offline: true }))
    expect(offline.code).toBe('ERR_TORCH_HUB_OFFLINE')
    expect(offline.message).toMatch(new RegExp(`^${nothing}.*npx node-libtorch pull none`))
  })

  test('with two revisions is refused, and so is no name behind hf-hub:', async () => {
    for (const [source, revision] of [
      ['timm/tiny@v1', 'main'],
      ['hf-hub:timm/tiny@v1@v2'],
      ['hf-hub:a/b/c'],
      ['hf-hub:'],
    ]) {
      const refused = inspectSafetensors(source as string, { ...quick, revision })
      await expect(refused).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
    }
    expect(here.server.requests).toEqual([])
  })

  test('gives way to the file or folder of that name', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'gpt2'), safetensorsBytes({ a: [2] }))
    vi.spyOn(process, 'cwd').mockReturnValue(folder)
    onTestFinished(() => void vi.restoreAllMocks())
    expect(await inspectSafetensors('gpt2', quick)).toMatchObject([{ name: 'gpt2', tensors: [{ name: 'a' }] }])
    expect(here.server.requests).toEqual([])
  })
})

test('what is neither file nor repository is a file that is missing', async () => {
  for (const source of ['models/none.safetensors', './none', '-none', 'none.pt', 'a/none.index.json']) {
    await expect(inspectSafetensors(source, quick)).rejects.toMatchObject({ code: 'ERR_TORCH_DISK' })
  }
  expect(here.server.requests).toEqual([])
})

test('abort rejects with the reason', async () => {
  const reason = new Error('enough')
  here.server.respond = ({ host }) => host === 'cdn'
  const controller = new AbortController()
  const waiting = inspect({ timeoutSeconds: 60, signal: controller.signal })
  setTimeout(() => controller.abort(reason), 200)
  await expect(waiting).rejects.toBe(reason)
})
