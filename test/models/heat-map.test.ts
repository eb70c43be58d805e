// Scales, embeddings and class activation maps of the photographs: timm's numbers; and what heatMap refuses.
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ops } from '../../lib/core/ops.js'
import { scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import type { ImageInput } from '../../lib/io/image-input.js'
import { type HeatMapped, ImageClassifier, ResNet } from '../../lib/models/index.js'
import { featureGolden, type PhotoFeatures } from '../support/feature-golden.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'
import { expectSample } from '../support/resnet-surface.js'
import { efficientnetLite0, photos, resnet18 } from '../support/sample-photos.js'
import { plain, tinyArchive } from '../support/tiny-classifier.js'

expectNoLeaks()

/** In parts of the largest value, as for logits: threads and instruction sets alone move them by 4e-6 of it. */
const tolerance = 1e-5

function expectClose(actual: ArrayLike<number>, expected: readonly number[], scale = largest(expected)): void {
  expect(actual.length).toBe(expected.length)
  const distances = expected.map((value, i) => Math.abs(value - (actual[i] ?? Number.NaN)))
  expect(Math.max(...distances)).toBeLessThanOrEqual(tolerance * scale)
}
const largest = (values: readonly number[]) => Math.max(...values.map(Math.abs))

describe.each([
  ['EfficientNet-Lite0', efficientnetLite0.weights, featureGolden.tf_efficientnet_lite0],
  ['ResNet18', resnet18.full, featureGolden.resnet18],
] as const)('%s gives what timm gives:', (_, source, golden) => {
  let model: ImageClassifier
  beforeAll(async () => {
    model = await ImageClassifier.load(source)
  })
  afterAll(() => model.dispose())
  const goldenOf = (file: string) => golden.photos[basename(file)] as PhotoFeatures

  scopedTest('scales', async () => {
    for (const file of photos) {
      const maps = await model.features(file)
      const { scales } = goldenOf(file)
      const facts = scales.map(({ module, channels, reduction }, index) => ({ index, module, channels, reduction }))
      expect(model.featureInfo).toEqual(facts)
      expect(maps).toHaveLength(scales.length)
      for (const [i, map] of maps.entries()) await expectSample(map, scales[i] as (typeof scales)[number], tolerance)
    }
  })

  scopedTest('embeddings, and so the nearest', async () => {
    const vectors = await model.embed(photos)
    for (const [i, file] of photos.entries()) {
      await expectSample(Tensor.from(vectors[i] as Float32Array), goldenOf(file).embedding, tolerance)
    }
    const rows = Tensor.from(vectors.map((vector) => [...vector]))
    const cosines = await (await ops.matmul(rows, await ops.transpose(rows, 0, 1))).data('float32')
    expectClose(cosines, golden.cosines.flat())
  })

  test.each(['auto', 'none'] as const)('heat maps, with optimize %s', (optimize) =>
    scope(async () => {
      const own = await ImageClassifier.load(source, { optimize })
      const heatMaps = await own.heatMap(photos, { batchSize: 4 })
      const [predictions, labels] = [await own.classify(photos, { topK: 1, batchSize: 4 }), own.labels]
      for (const [i, file] of photos.entries()) {
        const { values, height, width, ...prediction } = heatMaps[i] as (typeof heatMaps)[number]
        const wanted = goldenOf(file).heatMap
        expect({ height, width, index: prediction.index }).toEqual({ height: 7, width: 7, index: wanted.index })
        expectClose(values, wanted.values)
        expect(prediction.label).toBe(labels?.[wanted.index]?.names[0])
        expect(prediction).toEqual({ ...predictions[i]?.[0], probability: expect.closeTo(wanted.probability, 4) })
      }
    }),
  )
})

describe('heatMap', () => {
  let model: ResNet
  const [first = '', second = ''] = photos
  beforeAll(async () => {
    model = await ResNet.load(resnet18.full, { preprocess: { inputSize: [3, 96, 160] } })
  })
  afterAll(() => model.dispose())

  scopedTest('of any class: its mean and the bias are the logit', async () => {
    const logits = await (await model.forward(await model.preprocess([first, second]))).data('float32')
    const bias = (await model.stateDict()).get('fc.bias') as Tensor
    const biases = await bias.data('float32')
    for (const classIndex of [0, 281, 999]) {
      const heatMaps = await model.heatMap([first, second], { classIndex })
      for (const [i, { index, height, width, values }] of heatMaps.entries()) {
        expect({ index, height, width }).toEqual({ index: classIndex, height: 3, width: 5 })
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length
        expect(mean + (biases[classIndex] as number)).toBeCloseTo(logits[i * 1000 + classIndex] as number, 4)
      }
    }
  })

  test('of a stream, with a bad image in its place', async () => {
    const images = [first, join(import.meta.dirname, 'missing.png'), second]
    async function* stream() {
      yield* images
    }
    const given: HeatMapped[] = []
    for await (const entry of model.heatMap(stream(), { batchSize: 2 })) given.push(entry)
    expect(given.map(({ image }) => image)).toEqual(images)
    expect(given[1]?.error).toMatchObject({ code: 'ERR_TORCH_IMAGE' })
    const [a, b] = await model.heatMap([first, second])
    for (const [i, wanted] of [[0, a] as const, [2, b] as const]) {
      expect(given[i]?.heatMap?.index).toBe(wanted?.index)
      expectClose(given[i]?.heatMap?.values ?? [], [...(wanted?.values ?? [])])
    }
  })

  scopedTest('of a new classifier, with its labels', async () => {
    const pets = await model.resetClassifier(2, { seed: 1, labels: ['cat', 'dog'] })
    const [heatMap] = await pets.heatMap(first, { classIndex: 1 })
    expect(heatMap).toMatchObject({ index: 1, label: 'dog', height: 3, width: 5 })
    for (const globalPool of ['fast', 'fastavg'] as const) {
      const same = await pets.resetClassifier(2, { globalPool, seed: 1 })
      expectClose((await same.heatMap(first, { classIndex: 1 }))[0]?.values ?? [], [...(heatMap?.values ?? [])])
    }
  })

  test.each<[string, () => Promise<ImageClassifier>, RegExp]>([
    ['another pool', () => model.resetClassifier(5, { globalPool: 'max', seed: 1 }), /received logits that are/],
    ['two pools', () => model.resetClassifier(5, { globalPool: 'avgmax', seed: 1 }), /received logits that are/],
    ['wider features', () => model.resetClassifier(5, { globalPool: 'catavgmax', seed: 1 }), /1024 \] beside 512/],
    ['no classifier', () => model.resetClassifier(0), /without weight and bias/],
    [
      'a model that says nothing of itself',
      async () => {
        const methods =
          'def forward(self, x):\n    return x.mean([2, 3])\n' +
          'def forward_features(self, x):\n    return x\n' +
          'def forward_head(self, x, pre_logits: bool):\n    return x.mean([2, 3])\n'
        return ImageClassifier.load(await tinyArchive(undefined, methods))
      },
      /does not say which layer/,
    ],
  ])('is refused for %s', (_, load, message) =>
    scope(async () => {
      const own = await load()
      await expect(own.heatMap(plain(9, 99, 199))).rejects.toMatchObject({
        code: 'ERR_TORCH_INVALID_ARGUMENT',
        message: expect.stringMatching(message),
      })
    }),
  )

  const methodless = async () => ImageClassifier.load(await tinyArchive())
  scopedTest('is refused for a program without features', async () => {
    await expect((await methodless()).heatMap(plain(1, 2, 3))).rejects.toMatchObject({
      code: 'ERR_TORCH_INVALID_ARGUMENT',
      message: expect.stringContaining('forward_features'),
    })
  })

  test.each<[string, unknown, unknown, string, RegExp]>([
    ['no image', [], {}, 'ERR_TORCH_INVALID_ARGUMENT', /at least one image/],
    ['null', null, {}, 'ERR_TORCH_INVALID_ARGUMENT', /image/],
    ['a number', 7, {}, 'ERR_TORCH_INVALID_ARGUMENT', /image/],
    ['a missing file', '/none.png', {}, 'ERR_TORCH_IMAGE', /none\.png/],
    ['a negative class', plain(1, 2, 3), { classIndex: -1 }, 'ERR_TORCH_INVALID_ARGUMENT', /classIndex of heatMap/],
    ['a broken class', plain(1, 2, 3), { classIndex: 1.5 }, 'ERR_TORCH_INVALID_ARGUMENT', /an integer .*received 1\.5/],
    ['a class in text', plain(1, 2, 3), { classIndex: '1' }, 'ERR_TORCH_INVALID_ARGUMENT', /received '1'/],
    ['a list of classes', plain(1, 2, 3), { classIndex: [1] }, 'ERR_TORCH_INVALID_ARGUMENT', /classIndex of heatMap/],
    ['a class too many', plain(1, 2, 3), { classIndex: 1000 }, 'ERR_TORCH_INVALID_ARGUMENT', /from 0 to 999 .* 1000/],
    ['no batch', plain(1, 2, 3), { batchSize: 0 }, 'ERR_TORCH_INVALID_ARGUMENT', /batchSize of heatMap/],
    ['an option of another name', plain(1, 2, 3), { classIdx: 1 }, 'ERR_TORCH_UNKNOWN_OPTION', /mean classIndex\?/],
    ['options that are none', plain(1, 2, 3), 3, 'ERR_TORCH_INVALID_ARGUMENT', /options of heatMap/],
  ])('refuses %s', async (_, images, options, code, message) => {
    await expect(model.heatMap(images as ImageInput, options as object)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })

  test('refuses a receiver that is no model, an abort and a disposed model', async () => {
    await expect(Reflect.apply(model.heatMap, {}, [first])).rejects.toMatchObject({
      code: 'ERR_TORCH_INVALID_ARGUMENT',
    })
    await expect(model.heatMap(first, { signal: AbortSignal.abort('enough') })).rejects.toBe('enough')
    const gone = await ImageClassifier.load(resnet18.full)
    gone.dispose()
    await expect(gone.heatMap(first)).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED' })
  })
})

test('preprocessing is the data config that timm resolves, and a model takes it again', () =>
  scope(async () => {
    const model = await ImageClassifier.load(efficientnetLite0.weights)
    expect(model.preprocessing).toEqual({
      inputSize: [3, 224, 224],
      interpolation: 'bicubic',
      cropPct: 0.875,
      cropMode: 'center',
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    })
    const mean = model.preprocessing.mean as number[]
    mean[0] = 9
    expect(model.preprocessing.mean).toEqual([0.5, 0.5, 0.5])
    const changes = { ...model.preprocessing, cropPct: 1 }
    const other = await ImageClassifier.load(resnet18.full, { preprocess: changes })
    expect(other.preprocessing).toEqual(changes)
  }))
