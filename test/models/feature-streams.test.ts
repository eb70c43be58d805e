// embed and features over lists and async iterables: the machinery of classify, which stream.test.ts holds.
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Memory, memory } from '../../lib/core/device.js'
import { scope } from '../../lib/core/scope.js'
import type { Tensor } from '../../lib/core/tensor.js'
import type { ImageInput } from '../../lib/io/image-input.js'
import { type Embedded, type Featured, ResNet } from '../../lib/models/index.js'
import { expectNoLeaks } from '../support/handles.js'
import { plain } from '../support/tiny-classifier.js'

expectNoLeaks()

let model: ResNet
let atRest: Memory
beforeAll(async () => {
  const preprocess = { inputSize: [3, 32, 32], cropPct: 1 } as const
  model = await ResNet.load({ architecture: 'resnet18', random: 4 }, { optimize: 'none', preprocess })
  atRest = memory()
})
afterAll(() => model.dispose())
afterEach(() => vi.waitFor(() => expect(memory()).toEqual(atRest), { timeout: 5000 }))

const imageAt = (index: number) => plain((index * 40) % 256, (index * 70) % 256, (index * 110) % 256)
const missing = join(import.meta.dirname, 'missing.png')

/** Counts what was read of it, and notes that it was left. */
function source(count: number, at: (index: number) => ImageInput = imageAt) {
  const state = { read: 0, left: false }
  async function* images() {
    try {
      while (state.read < count) yield at(state.read++)
    } finally {
      state.left = true
    }
  }
  return { images: images(), state }
}

const length = (vector: Float32Array) => Math.hypot(...vector)
const numbers = (tensor: Tensor) => tensor.data('float32')

/** Batches of other sizes take other kernels. */
function expectClose(actual: Float32Array | undefined, expected: Float32Array | undefined): void {
  expect(actual?.length).toBe(expected?.length)
  for (const [i, value] of (expected ?? []).entries()) expect(actual?.[i]).toBeCloseTo(value, 4)
}

describe('embed', () => {
  test('gives vectors of length 1, the same for the same image, others for others', async () => {
    const vectors = await model.embed([imageAt(1), imageAt(2), imageAt(1)], { batchSize: 2 })
    expect(vectors.map(({ length: size }) => size)).toEqual([512, 512, 512])
    for (const vector of vectors) expect(length(vector)).toBeCloseTo(1, 5)
    expectClose(vectors[2], vectors[0])
    expect(vectors[1]).not.toEqual(vectors[0])
    expectClose((await model.embed(imageAt(2)))[0], vectors[1])
  })

  test('streams in order, with a bad image in its place', async () => {
    const images = Array.from({ length: 11 }, (_, index) => (index === 4 ? missing : imageAt(index)))
    const expected = await model.embed(images.filter((image) => image !== missing))
    const results: Embedded[] = []
    for await (const result of model.embed(source(11, (index) => images[index] as ImageInput).images, {
      batchSize: 3,
    })) {
      results.push(result)
    }
    expect(results.map(({ image }) => image)).toEqual(images)
    expect(results[4]?.error).toMatchObject({
      code: 'ERR_TORCH_IMAGE',
      message: expect.stringContaining('missing.png'),
    })
    const good = results.flatMap(({ embedding }) => embedding ?? [])
    expect(good).toHaveLength(10)
    for (const [i, embedding] of good.entries()) expectClose(embedding, expected[i])
  })

  test('refuses lists with bad images, nothing, and models without pooled features', async () => {
    await expect(model.embed([imageAt(1), missing])).rejects.toMatchObject({ code: 'ERR_TORCH_IMAGE' })
    await expect(model.embed([])).rejects.toMatchObject({ message: expect.stringContaining('at least one image') })
    await scope(async () => {
      const map = await model.resetClassifier(0, { globalPool: '' })
      await expect(map.embed(imageAt(1))).rejects.toMatchObject({ code: 'ERR_TORCH_SHAPE' })
    })
  })
})

describe('features', () => {
  test('of a list are one tensor per layer, whatever the batch size', () =>
    scope(async () => {
      const images = [0, 1, 2, 3, 4].map(imageAt)
      const whole = await model.features(images, { indices: [0, -1], batchSize: 8 })
      const parts = await model.features(images, { indices: [0, -1], batchSize: 2 })
      const given = await model.features(await model.preprocess(images), { nodes: ['act1', 'layer4'] })
      expect(whole.map(({ shape }) => shape)).toEqual([
        [5, 64, 16, 16],
        [5, 512, 1, 1],
      ])
      for (const [i, tensor] of whole.entries()) {
        expectClose(await numbers(parts[i] as Tensor), await numbers(tensor))
        expectClose(await numbers(given[i] as Tensor), await numbers(tensor))
      }
    }))

  test('stream in order as tensors of the reader, with a bad image in its place', () =>
    scope(async () => {
      const images = Array.from({ length: 7 }, (_, index) => (index === 2 ? missing : imageAt(index)))
      const [all] = await model.features(
        images.filter((image) => image !== missing),
        { nodes: ['layer2.1.conv1'] },
      )
      const width = (all as Tensor).numel / 6
      const expected = await numbers(all as Tensor)
      let next = 0
      const { images: stream } = source(7, (index) => images[index] as ImageInput)
      for await (const { image, features, error } of model.features(stream, {
        nodes: ['layer2.1.conv1'],
        batchSize: 3,
      })) {
        if (image === missing) {
          expect(error).toMatchObject({ code: 'ERR_TORCH_IMAGE' })
          continue
        }
        const [feature] = features as Tensor[]
        expect(feature?.shape).toEqual([128, 4, 4])
        expectClose(await numbers(feature as Tensor), expected.slice(next * width, (next + 1) * width))
        next++
      }
      expect(next).toBe(6)
    }))

  test('belong to the scope of each answer, or to who asked in none', async () => {
    const stream = model.features(source(4).images, { indices: [1], batchSize: 2 })
    const inside = await scope(async () => {
      const { value } = await stream.next()
      const [feature] = (value as Featured).features as Tensor[]
      return () => feature
    })
    expect(inside()?.disposed).toBe(true)
    const { value } = await stream.next()
    const [feature] = (value as Featured).features as Tensor[]
    expect(feature?.disposed).toBe(false)
    feature?.dispose()
    await stream.return(undefined)
  })

  test('that nobody took are freed when the reader leaves, an abort comes or the program fails', async () => {
    const { images, state } = source(100)
    for await (const { features } of model.features(images, { batchSize: 4 })) {
      for (const tensor of features as Tensor[]) tensor.dispose()
      break
    }
    expect(state.left).toBe(true)
    expect(state.read).toBeLessThanOrEqual(1 + 3 * 4)

    const controller = new AbortController()
    const reading = async () => {
      for await (const { features } of model.features(source(100).images, {
        batchSize: 4,
        signal: controller.signal,
      })) {
        for (const tensor of features as Tensor[]) tensor.dispose()
        controller.abort('enough')
      }
    }
    await expect(reading()).rejects.toBe('enough')

    const broken = model.features(source(9).images, { nodes: ['layer9'] })
    await expect(broken.next()).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
  })

  test('keep memory flat: hundreds of images need no more than a few batches', async () => {
    let most = 0
    for await (const { features } of model.features(source(300).images, { batchSize: 4 })) {
      most = Math.max(most, memory().tensors - atRest.tensors)
      for (const tensor of features as Tensor[]) tensor.dispose()
    }
    expect(most).toBeLessThan(100) // 5 tensors per image, at most 3 batches of 4 on their way
  })
})
