// Both architectures, from every kind of source, on real photographs: timm's numbers.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scope } from '../../lib/core/scope.js'
import type { Tensor } from '../../lib/core/tensor.js'
import { Safetensors } from '../../lib/io/safetensors.js'
import { ImageClassifier, ResNet } from '../../lib/models/index.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { efficientnetLite0, type GoldenPhoto, goldenPhotos, photos, resnet18 } from '../support/sample-photos.js'

expectNoLeaks()

const sha256 = (data: Float32Array) =>
  createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex')

/**
 * Of logits. Absolute for the program as it is; in parts of the largest logit where batch norms were folded, which rounds
 * weights anew. Threads and instruction sets alone move logits by 4e-6 of the largest.
 */
const tolerance = 1e-5

/** A length of 0 or a NaN is no agreement. */
function maximumDistance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(expected.length).toBeGreaterThan(0)
  expect(actual.length).toBe(expected.length)
  return Math.max(...Array.from(expected, (number, i) => Math.abs(number - (actual[i] ?? Number.NaN))))
}

const largest = (logits: readonly number[]) => Math.max(...logits.map(Math.abs))

const boundOf = (model: ImageClassifier, logits: readonly number[]) =>
  model.module === model.program ? tolerance : tolerance * largest(logits)

/** All photographs in one batch: input bytes, logits, and what is said of them. */
async function expectGolden(model: ImageClassifier, goldens: Record<string, GoldenPhoto>): Promise<void> {
  await scope(async () => {
    const pixels = await model.preprocess(photos)
    expect(pixels.shape).toEqual([photos.length, 3, 224, 224])
    const entries = await pixels.data('float32')
    const logits = await (await model.forward(pixels)).data('float32')
    const said = await model.classify(photos, { topK: 5, batchSize: 4 })
    for (const [i, file] of photos.entries()) {
      const golden = goldens[basename(file)] as GoldenPhoto
      const size = 3 * 224 * 224
      expect(sha256(entries.slice(i * size, (i + 1) * size)), file).toBe(golden.inputSha256)
      const row = logits.subarray(i * 1000, (i + 1) * 1000)
      expect(maximumDistance(row, golden.logits), file).toBeLessThanOrEqual(boundOf(model, golden.logits))
      const predictions = said[i] ?? []
      const named = predictions.map(({ index, wordnetId, label }) => ({ index, wordnetId, label }))
      expect(named, file).toEqual(
        golden.top.map(({ index, wordnetId, label }) => ({ index, wordnetId, label: label.split(', ')[0] })),
      )
      const probabilities = predictions.map(({ probability }) => probability)
      const wanted = golden.top.map(({ probability }) => probability)
      expect(maximumDistance(probabilities, wanted), file).toBeLessThanOrEqual(1e-4)
    }
  })
}

const weightsFile = join(efficientnetLite0.weights, 'model.safetensors')

async function storedWeights(): Promise<Map<string, Tensor>> {
  return (await Safetensors.open(weightsFile)).tensors()
}

describe('EfficientNet-Lite0 gives what timm gives', () => {
  const goldens = goldenPhotos.tf_efficientnet_lite0
  test.each<[string, () => Promise<ImageClassifier>]>([
    ['a folder of weights', () => ImageClassifier.load(efficientnetLite0.weights)],
    [
      'the folder as a URL, as it is',
      () => ImageClassifier.load(pathToFileURL(efficientnetLite0.weights), { optimize: 'none' }),
    ],
    ['an archive', () => ImageClassifier.load(efficientnetLite0.full)],
    ['the bytes of an archive', () => ImageClassifier.load(readFileSync(efficientnetLite0.full))],
    [
      'tensors by name',
      async () => ImageClassifier.load({ architecture: 'tf_efficientnet_lite0', weights: await storedWeights() }),
    ],
    [
      'tensors in an object',
      async () =>
        ImageClassifier.load(
          { architecture: 'tf_efficientnet_lite0', weights: Object.fromEntries(await storedWeights()) },
          { optimize: 'auto' },
        ),
    ],
  ])(
    'from %s',
    inScope(async (_, load) => {
      const model = await load()
      expect(model.architecture).toBe('tf_efficientnet_lite0')
      expect(model.labels).toHaveLength(1000)
      await expectGolden(model, goldens)
    }),
  )

  scopedTest('sees an espresso in the coffee and a cat in the cat', async () => {
    const model = await ImageClassifier.load(efficientnetLite0.weights)
    const best = async (name: string) => {
      const file = photos.find((photo) => basename(photo) === name) as string
      return (await model.classify(file, { topK: 1 }))[0]?.[0]
    }
    expect(await best('coffee.png')).toMatchObject({ label: 'espresso', wordnetId: 'n07920052', index: 967 })
    expect(await best('chelsea.png')).toMatchObject({ label: 'tiger cat', wordnetId: 'n02123159', index: 282 })
  })
})

describe('ResNet18 gives what timm gives', () => {
  test.each<[string, () => Promise<ImageClassifier>]>([
    ['an archive', () => ResNet.load(resnet18.full)],
    ['an archive as it is', () => ResNet.load(resnet18.full, { optimize: 'none' })],
    ['an archive, as any classifier', () => ImageClassifier.load(pathToFileURL(resnet18.full))],
    [
      'the tensors of another',
      async () => {
        const other = await ResNet.load(resnet18.full, { optimize: 'none' })
        const weights = await other.program.stateDict()
        other.dispose()
        return ResNet.load({ architecture: 'resnet18', weights })
      },
    ],
  ])(
    'from %s',
    inScope(async (_, load) => {
      const model = await load()
      expect(model.architecture).toBe('resnet18')
      await expectGolden(model, goldenPhotos.resnet18)
    }),
  )
})

describe('one classifier', () => {
  let model: ImageClassifier
  beforeAll(async () => {
    model = await ImageClassifier.load(efficientnetLite0.weights)
  })
  afterAll(() => model.dispose())

  test('says the same of a list, a single image, bytes, a URL and a stream', async () => {
    const [first = ''] = photos
    const [expected] = await model.classify([first], { topK: 3 })
    const forms = [first, pathToFileURL(first), readFileSync(first), new Uint8Array(readFileSync(first)).buffer]
    for (const form of forms) expect(await model.classify(form, { topK: 3 })).toEqual([expected])
    async function* stream() {
      yield* photos
    }
    const list = await model.classify(photos, { topK: 3, batchSize: 3 })
    const streamed = []
    for await (const { image, predictions } of model.classify(stream(), { topK: 3, batchSize: 3 })) {
      streamed.push([image, predictions])
    }
    expect(streamed).toEqual(photos.map((photo, i) => [photo, list[i]]))
  })

  test('optimized or not, in batches of 1 or 8, the logits are the same', () =>
    scope(async () => {
      const plainly = await ImageClassifier.load(efficientnetLite0.weights, { optimize: 'none' })
      expect(plainly.module).toBe(plainly.program)
      expect(model.module).not.toBe(model.program)
      const pixels = await model.preprocess(photos)
      const logits = await (await model.forward(pixels)).data('float32')
      const others = await (await plainly.forward(pixels)).data('float32')
      expect(maximumDistance(others, logits)).toBeLessThanOrEqual(tolerance * largest([...logits]))
      const all = async (batchSize: number) =>
        (await model.classify(photos, { batchSize, topK: 1000 })).map((predictions) =>
          predictions.sort((a, b) => a.index - b.index).map(({ probability }) => probability),
        )
      const [ones, eights] = await Promise.all([all(1), all(8)])
      expect(maximumDistance(ones.flat(), eights.flat())).toBeLessThanOrEqual(1e-5)
    }))

  test('shares the thread with another, each with its own numbers', () =>
    scope(async () => {
      const other = await ResNet.load(resnet18.full)
      const [mine, theirs] = await Promise.all([
        Promise.all(photos.map((photo) => model.classify(photo, { topK: 1 }))),
        Promise.all(photos.map((photo) => other.classify(photo, { topK: 1 }))),
      ])
      for (const [i, photo] of photos.entries()) {
        const name = basename(photo)
        expect(mine[i]?.[0]?.[0]?.index, name).toBe(goldenPhotos.tf_efficientnet_lite0[name]?.top[0]?.index)
        expect(theirs[i]?.[0]?.[0]?.index, name).toBe(goldenPhotos.resnet18[name]?.top[0]?.index)
      }
    }))

  test('takes changes of its preprocessing and keeps the rest', () =>
    scope(async () => {
      const small = await ImageClassifier.load(efficientnetLite0.weights, {
        preprocess: { inputSize: [3, 96, 128], cropPct: undefined },
      })
      const asked = await small.preprocess(photos[0] as string)
      expect(asked.shape).toEqual([1, 3, 96, 128])
      const same = await ImageClassifier.load(efficientnetLite0.weights, {
        preprocess: { mean: undefined, cropPct: undefined },
      })
      const [own, usual] = await Promise.all([same, model].map((each) => each.preprocess(photos[0] as string)))
      expect(await own?.data()).toEqual(await usual?.data())
    }))
})
