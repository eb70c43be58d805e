// What config.json says of the weights beside it: their file's name, and rows that are of no class.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { ops } from '../../lib/core/ops.js'
import { scope } from '../../lib/core/scope.js'
import type { Tensor } from '../../lib/core/tensor.js'
import { Safetensors } from '../../lib/io/safetensors.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { ImageClassifier } from '../../lib/models/index.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { hubForEachTest } from '../support/hub-environment.js'
import { temporaryFolder, writeFile } from '../support/libtorch-folders.js'
import { efficientnetLite0, photos } from '../support/sample-photos.js'
import { failure } from '../support/typed-failure.js'

expectNoLeaks()

const weights = join(efficientnetLite0.weights, 'model.safetensors')
const config = JSON.parse(readFileSync(join(efficientnetLite0.weights, 'config.json'), 'utf8'))
const configWith = (pretrained: object, others: object = {}) =>
  JSON.stringify({ ...config, ...others, pretrained_cfg: { ...config.pretrained_cfg, ...pretrained } })

describe('label_offset', () => {
  /** The folder of a model whose classifier has `rows` rows more, before those of its classes. */
  async function withBackground(rows: number, pretrained: object, others = {}): Promise<string> {
    const folder = temporaryFolder()
    writeFile(join(folder, 'config.json'), configWith(pretrained, others))
    await scope(async () => {
      const tensors = await (await Safetensors.open(weights)).tensors()
      for (const name of ['classifier.weight', 'classifier.bias']) {
        const own = tensors.get(name) as Tensor
        const background = await ops.full([rows, ...own.shape.slice(1)], 9)
        tensors.set(name, await ops.cat([background, own]))
      }
      await writeSafetensors(join(folder, 'model.safetensors'), tensors)
    })
    return folder
  }

  const photo = photos[0] as string

  test.each<[number, object]>([
    [1, { label_offset: 1 }],
    [2, { label_offset: 2, classifier: ['classifier'] }],
  ])('%i drops the rows before the first class, as timm does: %j', async (rows, pretrained) => {
    const folder = await withBackground(rows, pretrained)
    await scope(async () => {
      const [own, reference] = await Promise.all(
        [folder, efficientnetLite0.weights].map((each) => ImageClassifier.load(each)),
      )
      expect(await own?.classify(photo)).toEqual(await reference?.classify(photo))
    })
  })

  test.each<[string, object]>([
    ['is no matter where no classifier is named', { label_offset: 1, classifier: null }],
    ['nor below 0', { label_offset: -1 }],
  ])('%s: %j', async (_, pretrained) => {
    const { code, message } = await failure(ImageClassifier.load(await withBackground(1, pretrained)))
    expect([code, message]).toEqual(['ERR_TORCH_STATE_DICT', expect.stringContaining('classifier.weight')])
  })

  scopedTest('nor where the model was built with other classes than the weights are said to have', async () => {
    const others = { model_args: { num_classes: 1001 } }
    const model = await ImageClassifier.load(await withBackground(1, { label_offset: 1 }, others))
    expect((await model.classify(photo, { topK: 2000 }))[0]).toHaveLength(1001)
  })

  test.each<[object]>([[{ label_offset: '1' }], [{ label_offset: 0.5 }], [{ label_offset: 1, classifier: [5] }]])(
    '%j is refused',
    inScope(async (pretrained) => {
      const loading = ImageClassifier.load(await withBackground(1, pretrained))
      const { code, message } = await failure(loading)
      expect([code, message]).toEqual(['ERR_TORCH_FILE_FORMAT', expect.stringContaining('label_offset')])
    }),
  )
})

describe('hf_hub_filename', () => {
  const here = hubForEachTest()
  beforeEach(() => vi.stubEnv('XDG_CACHE_HOME', temporaryFolder()))
  const bytes = readFileSync(weights)

  function serve(name: string, hubFilename: unknown): void {
    const text = configWith({ hf_hub_filename: hubFilename })
    const configFile = { name: 'config.json', bytes: Buffer.from(text), large: false }
    here.server.files.splice(0, here.server.files.length, configFile, { name, bytes, large: true })
  }

  test.each([
    ['lite0.safetensors', 'lite0.safetensors'],
    ['folder/lite0.safetensors', 'folder/lite0.safetensors'],
    ['lite0.bin', 'lite0.safetensors'],
    ['pytorch_model.bin', 'model.safetensors'],
    ['open_clip_pytorch_model.bin', 'open_clip_model.safetensors'],
    ['', 'model.safetensors'],
    [null, 'model.safetensors'],
  ])('%j: the weights are in %s, on the hub and in the cache', (named, file) =>
    scope(async () => {
      serve(file, named)
      expect((await ImageClassifier.load('timm/tiny')).architecture).toBe('tf_efficientnet_lite0')
      expect(here.server.downloads(file)).toHaveLength(1)
      here.server.requests.length = 0
      await ImageClassifier.load('timm/tiny')
      expect(here.server.requests).toEqual([])
    }),
  )

  test.each(['weights.pt', 'constructor', '../model.safetensors', '/model.safetensors', 5, ['model.safetensors']])(
    '%j is refused before anything is fetched by that name',
    async (named) => {
      serve('model.safetensors', named)
      const { code, message } = await failure(ImageClassifier.load('timm/tiny'))
      expect([code, message]).toEqual(['ERR_TORCH_FILE_FORMAT', expect.stringContaining('hf_hub_filename')])
      for (const { path } of here.server.requests) expect(path).toMatch(/\/config\.json$|\/api\//)
    },
  )

  scopedTest('counts on the hub alone: a folder has its weights where they always are', async () => {
    const folder = temporaryFolder()
    mkdirSync(folder, { recursive: true })
    writeFile(join(folder, 'config.json'), configWith({ hf_hub_filename: 'other.safetensors' }))
    copyFileSync(weights, join(folder, 'model.safetensors'))
    expect((await ImageClassifier.load(folder)).architecture).toBe('tf_efficientnet_lite0')
  })
})
