// Weights in several files, as their index names them: in a folder, in a repository, in the cache.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { scope } from '../../lib/core/scope.js'
import { Safetensors } from '../../lib/io/safetensors.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { hasPretrained, ImageClassifier } from '../../lib/models/index.js'
import type { HubContent } from '../support/fake-hub.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'
import { hubForEachTest } from '../support/hub-environment.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { efficientnetLite0, photos } from '../support/sample-photos.js'

expectNoLeaks()

const repository = 'timm/tf_efficientnet_lite0.in1k'
const index = 'model.safetensors.index.json'
const shards = ['model-00001-of-00002.safetensors', 'parts/model-00002-of-00002.safetensors']
const config = 'config.json'
const contents = new Map<string, Buffer>()

beforeEach(async () => {
  if (contents.size > 0) return
  const folder = temporaryFolder()
  const weightMap: Record<string, string> = {}
  await scope(async () => {
    const file = await Safetensors.open(join(efficientnetLite0.weights, 'model.safetensors'))
    for (const [i, shard] of shards.entries()) {
      const names = file.keys().filter((_, place) => place % shards.length === i)
      for (const name of names) weightMap[name] = shard
      await writeSafetensors(join(folder, 'shard'), await file.tensors(names))
      contents.set(shard, readFileSync(join(folder, 'shard')))
    }
  })
  contents.set(index, Buffer.from(JSON.stringify({ metadata: { total_size: 1 }, weight_map: weightMap })))
  contents.set(config, readFileSync(join(efficientnetLite0.weights, config)))
})

/** A folder with all files but some. */
function folderWithout(...missing: string[]): string {
  const folder = temporaryFolder()
  for (const [name, bytes] of contents) {
    if (missing.includes(name)) continue
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), bytes)
  }
  return folder
}

/** Mapped weights lie otherwise in memory than read ones, and sums are rounded otherwise then. */
async function scores(model: ImageClassifier) {
  const [predictions] = await model.classify(photos.slice(0, 1))
  return predictions?.map(({ index, probability }) => ({ index, probability: expect.closeTo(probability, 5) }))
}
async function expectSame(model: ImageClassifier) {
  const [predictions] = await model.classify(photos.slice(0, 1))
  expect(predictions).toMatchObject((await wanted()) as object[])
}
const wanted = async () => scores(await ImageClassifier.load(efficientnetLite0.weights))

describe('a folder with an index', () => {
  scopedTest('loads by its path, with local-dir: and by the index, as the one file does', async () => {
    const folder = folderWithout()
    for (const source of [folder, `local-dir:${folder}`, pathToFileURL(join(folder, index)), join(folder, index)]) {
      await expectSame(await ImageClassifier.load(source))
    }
  })

  scopedTest('and the one file beside it loads the file', async () => {
    const folder = folderWithout(...shards)
    copyFileSync(join(efficientnetLite0.weights, 'model.safetensors'), join(folder, 'model.safetensors'))
    await expectSame(await ImageClassifier.load(folder))
  })

  test.each([
    ['a file that it names', 'ERR_TORCH_DISK', shards[1] as string],
    ['the configuration', 'ERR_TORCH_DISK', config],
  ])('without %s is refused', async (_, code, name) => {
    const folder = folderWithout(name)
    for (const source of [folder, join(folder, index)]) {
      await expect(ImageClassifier.load(source)).rejects.toMatchObject({ code, message: expect.stringContaining(name) })
    }
  })

  test.each(['../evil.safetensors', '/etc/passwd', 'a/../../b.safetensors', ''])(
    'that names %j is refused',
    async (shard) => {
      const folder = folderWithout()
      writeFileSync(join(folder, index), JSON.stringify({ weight_map: { 'conv_stem.weight': shard } }))
      await expect(ImageClassifier.load(folder)).rejects.toMatchObject({ code: 'ERR_TORCH_FILE_FORMAT' })
    },
  )
})

describe('a repository with an index', () => {
  const here = hubForEachTest()
  const large = (name: string) => name.endsWith('.safetensors')
  const serve = (...changed: HubContent[]) => {
    here.server.repository = repository
    vi.stubEnv('XDG_CACHE_HOME', temporaryFolder())
    const names = changed.map(({ name }) => name)
    const rest = [...contents].filter(([name]) => !names.includes(name))
    here.server.files.splice(
      0,
      here.server.files.length,
      ...rest.map(([name, bytes]) => ({ name, bytes, large: large(name) })),
      ...changed,
    )
  }

  scopedTest('is fetched with the files that it names, once', async () => {
    serve({ name: 'model-00003-of-00003.safetensors', bytes: Buffer.from('of nobody'), large: true })
    await expectSame(await ImageClassifier.load(repository))
    expect(shards.map((name) => here.server.downloads(name).length)).toEqual([1, 1])
    expect(here.server.downloads('model-00003-of-00003.safetensors')).toEqual([])
    here.server.requests.length = 0
    expect(await hasPretrained('tf_efficientnet_lite0')).toBe(true)
    for (const name of [repository, 'tf_efficientnet_lite0']) {
      await expectSame(await ImageClassifier.load(name))
    }
    expect(here.server.requests).toEqual([])
  })

  scopedTest('of which a part is in the cache: the rest is fetched', async () => {
    serve()
    await ImageClassifier.load(repository)
    const [first, second] = shards as [string, string]
    const snapshot = join(here.cache, `models--${repository.replace('/', '--')}`, 'snapshots', here.server.commit)
    rmSync(join(snapshot, second))
    expect(await hasPretrained('tf_efficientnet_lite0')).toBe(false)
    here.server.requests.length = 0
    await ImageClassifier.load(repository)
    expect(here.server.requests.some(({ path }) => path.endsWith(second))).toBe(true)
    expect(here.server.downloads(first)).toEqual([])
  })

  test('that leads outside is refused, and nothing of it is asked for', async () => {
    const weight_map = { 'conv_stem.weight': '../../../other/resolve/main/model.safetensors' }
    serve({ name: index, bytes: Buffer.from(JSON.stringify({ weight_map })), large: false })
    await expect(ImageClassifier.load(repository)).rejects.toMatchObject({ code: 'ERR_TORCH_FILE_FORMAT' })
    expect(here.server.requests.filter(({ path }) => path.includes('other'))).toEqual([])
  })

  test('that names what is not there says so; without an index the one file is missed', async () => {
    const missing = { code: 'ERR_TORCH_MODULE_LOAD' }
    const weight_map = { 'conv_stem.weight': 'nowhere.safetensors' }
    serve({ name: index, bytes: Buffer.from(JSON.stringify({ weight_map })), large: false })
    const message = expect.stringContaining('nowhere.safetensors')
    await expect(ImageClassifier.load(repository)).rejects.toMatchObject({ ...missing, message })
    serve()
    here.server.files.splice(0, here.server.files.length, ...here.server.files.filter(({ name }) => name === config))
    await expect(ImageClassifier.load(repository, { hub: { force: true } })).rejects.toMatchObject({
      ...{ ...missing, message: expect.stringMatching(/model\.safetensors(?!\.index)/) },
    })
  })
})
