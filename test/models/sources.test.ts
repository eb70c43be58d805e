// Where models come from: the local hub cache, folders, archives, and all that is none.
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { keep, scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import { hasPretrained, ImageClassifier, type ModelSource } from '../../lib/models/index.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { temporaryFolder, writeFile } from '../support/libtorch-folders.js'
import { efficientnetLite0, photos } from '../support/sample-photos.js'
import { plain, tinyArchive, tinyConfig } from '../support/tiny-classifier.js'
import { failure } from '../support/typed-failure.js'

expectNoLeaks()

const weights = join(efficientnetLite0.weights, 'model.safetensors')
const config = join(efficientnetLite0.weights, 'config.json')
const repository = 'timm/tf_efficientnet_lite0.in1k'

beforeEach(() => {
  for (const name of ['HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'XDG_CACHE_HOME']) vi.stubEnv(name, undefined)
  vi.stubEnv('HF_HOME', temporaryFolder())
})
afterEach(() => vi.unstubAllEnvs())

/** As Python leaves it: a reference, a snapshot of links, blobs. */
function fillHubCache(files: Record<string, string>): void {
  const commit = 'f'.repeat(40)
  const folder = join(process.env.HF_HOME as string, 'hub', `models--${repository.replace('/', '--')}`)
  writeFile(join(folder, 'refs', 'main'), commit)
  for (const [name, file] of Object.entries(files)) {
    const blob = join(folder, 'blobs', name.length.toString(16))
    mkdirSync(dirname(blob), { recursive: true })
    copyFileSync(file, blob)
    const link = join(folder, 'snapshots', commit, name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join('..', '..', 'blobs', name.length.toString(16)), link)
  }
}

describe('a repository of the local hub cache', () => {
  scopedTest('loads by its name and says what the folder says', async () => {
    fillHubCache({ 'config.json': config, 'model.safetensors': weights })
    expect(await hasPretrained('tf_efficientnet_lite0')).toBe(true)
    expect(await hasPretrained('resnet18')).toBe(false)
    const [fromHub, fromFolder] = await Promise.all([
      ImageClassifier.load(repository),
      ImageClassifier.load(efficientnetLite0.weights),
    ])
    expect(fromHub.architecture).toBe('tf_efficientnet_lite0')
    const photo = photos[0] as string
    expect(await fromHub.classify(photo)).toEqual(await fromFolder.classify(photo))
  })

  test('that is not there, or only in part, says how to get it', async () => {
    const missing = {
      code: 'ERR_TORCH_MODULE_LOAD',
      message: expect.stringContaining(`npx node-libtorch pull ${repository}`),
    }
    await expect(ImageClassifier.load(repository)).rejects.toMatchObject(missing)
    fillHubCache({ 'config.json': config })
    await expect(ImageClassifier.load(repository)).rejects.toMatchObject(missing)
  })

  test.each([
    ['no JSON', '{'],
    ['a pickle for its weights', '{"architecture":"tf_efficientnet_lite0","hf_hub_filename":"weights.pt"}'],
  ])('whose configuration has %s counts as not there', async (_, text) => {
    vi.stubEnv('XDG_CACHE_HOME', temporaryFolder())
    fillHubCache({ 'config.json': config, 'model.safetensors': weights })
    expect(await hasPretrained('tf_efficientnet_lite0')).toBe(true)
    vi.stubEnv('HF_HOME', temporaryFolder())
    const unfit = writeFile(join(temporaryFolder(), 'config.json'), text)
    fillHubCache({ 'config.json': unfit, 'model.safetensors': weights })
    expect(await hasPretrained('tf_efficientnet_lite0')).toBe(false)
  })

  test('is asked only for architectures that exist', async () => {
    const refused = { code: 'ERR_TORCH_INVALID_ARGUMENT' }
    await expect(hasPretrained('resnet19' as never)).rejects.toMatchObject(refused)
  })
})

/** A folder as the hub has them, with another config.json or cut weights. */
function weightsFolder(text: string, { cut = false } = {}): string {
  const folder = temporaryFolder()
  writeFile(join(folder, 'config.json'), text)
  copyFileSync(weights, join(folder, 'model.safetensors'))
  if (cut) truncateSync(join(folder, 'model.safetensors'), 1_000_000)
  return folder
}

const configWith = (changes: object) => JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), ...changes })

describe('an architecture that a configuration names with a tag of timm’s', () => {
  const tagged = ['tf_efficientnet_lite0.in1k', 'tf_efficientnet_lite0.', 'tf_efficientnet_lite0.in1k.v2']

  test.each(tagged)(
    'is taken without it: %s',
    inScope(async (architecture) => {
      const model = await ImageClassifier.load(weightsFolder(configWith({ architecture })), { optimize: 'none' })
      expect(model.architecture).toBe('tf_efficientnet_lite0')
    }),
  )

  scopedTest('in an archive too', async () => {
    const model = await ImageClassifier.load(await tinyArchive({ ...tinyConfig, architecture: 'resnet18.a1_in1k' }))
    expect(model.architecture).toBe('resnet18')
  })

  test('is built only as it is built without one', async () => {
    const text = configWith({ architecture: 'tf_efficientnet_lite0.in1k', model_args: { act_layer: 'silu' } })
    const asUntagged = configWith({ model_args: { act_layer: 'silu' } })
    const codes = [text, asUntagged].map((config) => failure(ImageClassifier.load(weightsFolder(config))))
    const [one, other] = await Promise.all(codes)
    expect([one?.code, one?.message.includes('act_layer')]).toEqual([other?.code, true])
  })
})

describe('labels', () => {
  const labelsWith = (changes: object) =>
    scope(async () => {
      const model = await ImageClassifier.load(await tinyArchive({ ...tinyConfig, ...changes }))
      const [predictions] = await model.classify(plain(90, 250, 170), { topK: 9 })
      return predictions?.map(({ label, wordnetId, index }) => [index, label, wordnetId])
    })

  test('are those of the configuration, in a list', async () => {
    expect(await labelsWith({ label_names: ['red', 'green', 'blue'] })).toEqual([
      [1, 'green', undefined],
      [2, 'blue', undefined],
      [0, 'red', undefined],
    ])
  })

  test('or by index, in any order, where some may be missing', async () => {
    expect(await labelsWith({ label_names: { '2': 'blue', '0': 'red' } })).toEqual([
      [1, 'class 1', undefined],
      [2, 'blue', undefined],
      [0, 'red', undefined],
    ])
  })

  test('or of its pretrained_cfg', async () => {
    const pretrained_cfg = { ...tinyConfig.pretrained_cfg, label_names: ['a', 'b', 'c'] }
    expect((await labelsWith({ pretrained_cfg }))?.map(([, label]) => label)).toEqual(['b', 'c', 'a'])
  })

  test('without any a class has its number', async () => {
    expect(await labelsWith({})).toEqual([
      [1, 'class 1', undefined],
      [2, 'class 2', undefined],
      [0, 'class 0', undefined],
    ])
  })

  test('of other models, with more names than there are logits, are not used', async () => {
    expect((await labelsWith({ num_classes: 1000 }))?.map(([, label]) => label)).toEqual([
      'class 1',
      'class 2',
      'class 0',
    ])
  })

  test('of an archive that says nothing are numbers', () =>
    scope(async () => {
      const model = await ImageClassifier.load(await tinyArchive(null))
      expect([model.architecture, model.labels]).toEqual([undefined, undefined])
      expect((await model.classify(plain(255, 0, 0), { topK: 1 }))[0]?.[0]?.label).toBe('class 0')
      expect((await model.preprocess(plain(9, 5, 7))).shape).toEqual([1, 3, 224, 224])
    }))

  test.each<[unknown]>([
    ['red'],
    [[1, 2, 3]],
    [{ red: 0, green: 1 }],
    [{ '-1': 'red' }],
    [{ '0.5': 'red' }],
    [{ '99999999999': 'red' }],
    [[]],
    [{}],
    [['red', null]],
  ])('%j are no labels', async (label_names) => {
    const archive = await tinyArchive({ ...tinyConfig, label_names })
    await expect(ImageClassifier.load(archive)).rejects.toMatchObject({
      code: 'ERR_TORCH_FILE_FORMAT',
      message: expect.stringContaining('label_names'),
    })
  })
})

describe('refused, with nothing left behind:', () => {
  test.each<[string, string, () => ModelSource | Promise<ModelSource>]>([
    ['ERR_TORCH_MODULE_LOAD', 'none.pt', () => join(temporaryFolder(), 'none.pt')],
    ['ERR_TORCH_MODULE_LOAD', 'none.pt', () => './none.pt'],
    ['ERR_TORCH_MODULE_LOAD', 'none', () => '../none'],
    ['ERR_TORCH_MODULE_LOAD', 'none.pt', () => 'models/none.pt'],
    ['ERR_TORCH_MODULE_LOAD', 'a--b/c', () => 'a--b/c'],
    ['ERR_TORCH_MODULE_LOAD', '', () => `/${'x'.repeat(5000)}`],
    ['ERR_TORCH_MODULE_LOAD', '', () => config],
    ['ERR_TORCH_MODULE_LOAD', '', () => new Uint8Array(0)],
    ['ERR_TORCH_MODULE_LOAD', '', () => readFileSync(efficientnetLite0.weightless).subarray(0, 100_000)],
    ['ERR_TORCH_DISK', '(config.json and model.safetensors in one folder, or', () => temporaryFolder()],
    ['ERR_TORCH_DISK', 'config.json', () => pathToFileURL(temporaryFolder())],
    [
      'ERR_TORCH_DISK',
      'model.safetensors does not exist',
      () => dirname(writeFile(join(temporaryFolder(), 'config.json'), configWith({}))),
    ],
    ['ERR_TORCH_DISK', 'config.json does not exist', () => writeFile(join(temporaryFolder(), 'x.safetensors'), 'x')],
    ['ERR_TORCH_MODULE_LOAD', 'cannot be one: a zip file begins otherwise', () => photos[0] as string],
    ['ERR_TORCH_FILE_FORMAT', 'Expected JSON', () => weightsFolder('{"architecture": ')],
    ['ERR_TORCH_FILE_FORMAT', 'JSON object', () => weightsFolder('[]')],
    ['ERR_TORCH_FILE_FORMAT', '', () => weightsFolder(configWith({}), { cut: true })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'one of resnet18', () => weightsFolder('{}')],
    ['ERR_TORCH_INVALID_ARGUMENT', 'resnet18d.ra2', () => weightsFolder(configWith({ architecture: 'resnet18d.ra2' }))],
    ['ERR_TORCH_INVALID_ARGUMENT', 'vit_base', () => weightsFolder(configWith({ architecture: 'vit_base' }))],
    ['ERR_TORCH_STATE_DICT', 'conv1.weight', () => weightsFolder(configWith({ architecture: 'resnet18' }))],
    [
      'ERR_TORCH_FILE_FORMAT',
      'nearest',
      () => tinyArchive({ ...tinyConfig, pretrained_cfg: { interpolation: 'nearest' } }),
    ],
    ['ERR_TORCH_FILE_FORMAT', 'cropPct', () => tinyArchive({ ...tinyConfig, pretrained_cfg: { crop_pct: '0.9' } })],
    [
      'ERR_TORCH_FILE_FORMAT',
      'inputSize',
      () => tinyArchive({ ...tinyConfig, pretrained_cfg: { input_size: [3, 0, 28] } }),
    ],
    ['ERR_TORCH_FILE_FORMAT', 'numClasses', () => tinyArchive({ ...tinyConfig, num_classes: 'ten' })],
    ['ERR_TORCH_FILE_FORMAT', 'globalPool', () => weightsFolder(configWith({ model_args: { global_pool: 'token' } }))],
    [
      'ERR_TORCH_INVALID_ARGUMENT',
      'outputStride',
      () => weightsFolder(configWith({ model_args: { output_stride: 8 } })),
    ],
    [
      'ERR_TORCH_INVALID_ARGUMENT',
      "'avg' for a model",
      () => weightsFolder(configWith({ pretrained_cfg: { global_pool: 'max' } })),
    ],
    ['ERR_TORCH_INVALID_ARGUMENT', '1 or more', () => weightsFolder(configWith({ num_classes: 0 }))],
    ['ERR_TORCH_STATE_DICT', 'classifier.weight', () => weightsFolder(configWith({ num_classes: 7 }))],
    ['ERR_TORCH_FILE_FORMAT', 'metadata.json of the archive', () => tinyArchive('{')],
    ['ERR_TORCH_INVALID_ARGUMENT', 'a path', () => ''],
    ['ERR_TORCH_INVALID_ARGUMENT', 'a path', () => 'a\0b'],
    ['ERR_TORCH_INVALID_ARGUMENT', 'a path', () => new URL('https://example.org/model.pt')],
    ['ERR_TORCH_INVALID_ARGUMENT', 'a path', () => new ArrayBuffer(8) as never],
    ['ERR_TORCH_INVALID_ARGUMENT', 'a path', () => ['model.pt'] as never],
    ['ERR_TORCH_INVALID_ARGUMENT', 'a path', () => new Map() as never],
    ['ERR_TORCH_INVALID_ARGUMENT', 'a path', () => null as never],
    ['ERR_TORCH_INVALID_ARGUMENT', 'a path', () => undefined as never],
    ['ERR_TORCH_INVALID_ARGUMENT', 'a path', () => 5 as never],
    ['ERR_TORCH_INVALID_ARGUMENT', 'a path', () => throwing() as never],
    ['ERR_TORCH_INVALID_ARGUMENT', 'one of resnet18', () => ({}) as never],
    ['ERR_TORCH_INVALID_ARGUMENT', 'one of resnet18', () => ({ architecture: 'resnet101', random: 1 }) as never],
    ['ERR_TORCH_INVALID_ARGUMENT', 'weights or random', () => ({ architecture: 'resnet18' }) as never],
    ['ERR_TORCH_INVALID_ARGUMENT', 'weights or random', () => ({ architecture: 'resnet18', weights: {}, random: 1 })],
    ['ERR_TORCH_UNKNOWN_OPTION', 'did you mean weights', () => ({ architecture: 'resnet18', weight: {} }) as never],
    ['ERR_TORCH_INVALID_ARGUMENT', 'seed', () => ({ architecture: 'resnet18', random: 0.5 })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'seed', () => ({ architecture: 'resnet18', random: '1' as never })],
    ['ERR_TORCH_STATE_DICT', 'missing', () => ({ architecture: 'resnet18', weights: {} })],
    ['ERR_TORCH_STATE_DICT', 'bn9', () => ({ architecture: 'resnet18', weights: { bn9: Tensor.from([1]) } })],
    ['ERR_TORCH_INVALID_ARGUMENT', '', () => ({ architecture: 'resnet18', weights: 'model.safetensors' as never })],
    ['ERR_TORCH_INVALID_ARGUMENT', '', () => ({ architecture: 'resnet18', weights: { 'fc.bias': [0] as never } })],
  ])(
    '%s: %s',
    inScope(async (code, text, source) => {
      const opened = ImageClassifier.load(await source())
      await expect(opened).rejects.toMatchObject({ code, message: expect.stringContaining(text) })
    }),
  )

  test.each<[string, string, unknown]>([
    ['ERR_TORCH_UNKNOWN_OPTION', 'did you mean optimize', { optimise: 'none' }],
    ['ERR_TORCH_INVALID_ARGUMENT', 'optimize', { optimize: true }],
    ['ERR_TORCH_UNKNOWN_OPTION', 'did you mean cropPct', { preprocess: { cropPc: 1 } }],
    ['ERR_TORCH_INVALID_ARGUMENT', 'cropPct of preprocess', { preprocess: { cropPct: 0 } }],
    ['ERR_TORCH_INVALID_ARGUMENT', 'preprocess', { preprocess: 'center' }],
    ['ERR_TORCH_INVALID_ARGUMENT', 'an object', 5],
    ['ERR_TORCH_INVALID_ARGUMENT', 'an object', throwing()],
  ])('options, %s: %s', async (code, text, options) => {
    const opened = ImageClassifier.load(await tinyArchive(), options as never)
    await expect(opened).rejects.toMatchObject({ code, message: expect.stringContaining(text) })
  })
})

function throwing(): object {
  return new Proxy(
    {},
    {
      get: (_, key) => {
        if (key === 'then') return undefined // no promise
        throw new Error('from the proxy')
      },
      ownKeys: () => {
        throw new Error('from the proxy')
      },
      getPrototypeOf: () => {
        throw new Error('from the proxy')
      },
    },
  )
}

scopedTest('preprocessing that is unknown here can be replaced', async () => {
  const config = { ...tinyConfig, pretrained_cfg: { ...tinyConfig.pretrained_cfg, interpolation: 'nearest' } }
  const model = await ImageClassifier.load(await tinyArchive(config), { preprocess: { interpolation: 'bilinear' } })
  expect((await model.preprocess(plain(1, 2, 3))).shape).toEqual([1, 3, 8, 8])
})

scopedTest('given tensors stay the caller’s', async () => {
  const source = await ImageClassifier.load({ architecture: 'resnet18', random: 3 }, { optimize: 'none' })
  const weights = await source.program.stateDict()
  source.dispose()
  const model = await ImageClassifier.load({ architecture: 'resnet18', weights }, { optimize: 'none' })
  model.dispose()
  expect([...weights.values()].every((tensor) => !tensor.disposed)).toBe(true)
  expect((await (weights.get('fc.bias') as Tensor).data()).length).toBe(1000)
})

describe('scopes own classifiers', () => {
  test('that are made in them', async () => {
    const model = await scope(async () => {
      const own = await ImageClassifier.load(await tinyArchive())
      return () => own
    })
    expect(model().disposed).toBe(true)
    await expect(model().classify(plain(1, 2, 3))).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED' })
  })

  test('but for those that are returned or kept', async () => {
    const returned = await scope(async () => ImageClassifier.load(await tinyArchive()))
    const box: ImageClassifier[] = []
    await scope(async () => {
      box.push(keep(await ImageClassifier.load(await tinyArchive())))
    })
    for (const model of [returned, ...box]) {
      expect(model.disposed).toBe(false)
      expect(await model.classify(plain(0, 255, 0), { topK: 1 })).toMatchObject([[{ index: 1 }]])
      model.dispose()
      model.dispose()
      expect(model.disposed).toBe(true)
    }
  })
})

test('what is no classifier is refused as one', async () => {
  const refused = { code: 'ERR_TORCH_INVALID_ARGUMENT' }
  const Constructor = ImageClassifier as unknown as new (parts?: unknown) => ImageClassifier
  expect(() => new Constructor({})).toThrow(expect.objectContaining(refused))
  const { classify, preprocess, forward, dispose } = ImageClassifier.prototype
  await expect(preprocess.call({} as never, photos)).rejects.toMatchObject(refused)
  await expect(forward.call({} as never, {} as never)).rejects.toMatchObject(refused)
  await expect(classify.call(ImageClassifier.prototype, photos as never)).rejects.toMatchObject(refused)
  expect(() => dispose.call({} as never)).toThrow(expect.objectContaining(refused))
})

test('a program that gives no logits is said so', async () => {
  const sources = [
    'def forward(self, x):\n    return x\n',
    'def forward(self, x):\n    return x.mean([2, 3]), x\n',
    'def forward(self, x):\n    return x.mean([0, 2, 3])\n',
    'def forward(self, x):\n    return x.mean([2, 3])[:0]\n',
  ]
  for (const source of sources) {
    await scope(async () => {
      const model = await ImageClassifier.load(await tinyArchive(tinyConfig, source), { optimize: 'none' })
      await expect(model.classify(plain(1, 2, 3))).rejects.toMatchObject({
        code: 'ERR_TORCH_SHAPE',
        message: expect.stringContaining('Expected logits [1, K]'),
      })
    })
  }
})

test('an archive saved from a model in training mode is run in evaluation mode', () =>
  scope(async () => {
    const source = 'def forward(self, x):\n    return torch.dropout(x.mean([2, 3]), 0.5, self.training)\n'
    const model = await ImageClassifier.load(await tinyArchive(tinyConfig, source), { optimize: 'none' })
    const x = await model.preprocess(plain(100, 150, 200))
    const rows = await Promise.all(Array.from({ length: 4 }, async () => (await model.forward(x)).data()))
    expect(new Set(rows.map(String)).size).toBe(1)
  }))

test('a file is read as an archive by its path and its URL', () =>
  scope(async () => {
    const file = join(temporaryFolder(), 'tiny.pt')
    writeFileSync(file, await tinyArchive())
    for (const source of [file, pathToFileURL(file), pathToFileURL(file).href]) {
      const model = await ImageClassifier.load(source)
      expect(model.architecture).toBe('channel-means')
    }
  }))
