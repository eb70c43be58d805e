// classify over async iterables: order, bad images, leaving early, aborts, back-pressure, failures.
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Memory, memory } from '../../lib/core/device.js'
import { scope } from '../../lib/core/scope.js'
import type { ImageInput } from '../../lib/io/image-input.js'
import { type Classified, type ClassifyOptions, ImageClassifier } from '../../lib/models/index.js'
import { expectNoLeaks } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { photos } from '../support/sample-photos.js'
import { plain, plainProbabilities, tinyArchive, tinyConfig } from '../support/tiny-classifier.js'

expectNoLeaks()

let model: ImageClassifier
let atRest: Memory
beforeAll(async () => {
  model = await ImageClassifier.load(await tinyArchive())
  await model.classify(plain(1, 2, 3))
  atRest = memory()
})
afterAll(() => model.dispose())
// Native work that was cancelled in the middle gives its memory back when it ends.
afterEach(() => vi.waitFor(() => expect(memory()).toEqual(atRest), { timeout: 5000 }))

type Colour = [number, number, number]
const colourOf = (index: number): Colour => [index % 256, (index * 7) % 256, (index * 31) % 256]

/** Endless unless there is a count; counts what was read of it, and notes that it was left. */
function source(count = Number.POSITIVE_INFINITY, imageAt = (index: number): ImageInput => plain(...colourOf(index))) {
  const state = { read: 0, left: false }
  async function* images() {
    try {
      while (state.read < count) yield imageAt(state.read++)
    } finally {
      state.left = true
    }
  }
  return { images: images(), state }
}

async function collect(images: AsyncIterable<ImageInput>, options?: ClassifyOptions): Promise<Classified[]> {
  const results: Classified[] = []
  for await (const result of model.classify(images, options)) results.push(result)
  return results
}

function expectColour({ predictions }: Classified, colour: Colour): void {
  const byIndex = [...(predictions ?? [])].sort((a, b) => a.index - b.index)
  expect(byIndex.map(({ index }) => index)).toEqual([0, 1, 2])
  const wanted = plainProbabilities(...colour)
  for (const { index, probability } of byIndex) expect(probability).toBeCloseTo(wanted[index] as number, 5)
  const probabilities = predictions?.map(({ probability }) => probability) ?? []
  expect(probabilities).toEqual([...probabilities].sort((a, b) => b - a))
}

test.each([1, 7, 8, 4096])('hundreds of images come in their order, in batches of %i', async (batchSize) => {
  const { images, state } = source(300)
  const results = await collect(images, { batchSize })
  expect(results).toHaveLength(300)
  for (const [index, result] of results.entries()) expectColour(result, colourOf(index))
  expect(state).toEqual({ read: 300, left: true })
})

test('order holds where decoding takes different times', async () => {
  const order = Array.from({ length: 24 }, (_, i) => photos[(i * 5) % photos.length] as string)
  const results = await collect(Readable.from(order), { batchSize: 3, topK: 3 })
  expect(results.map(({ image }) => image)).toEqual(order)
  const alone = new Map(await Promise.all(photos.map(async (photo) => [photo, await model.classify(photo)] as const)))
  for (const { image, predictions } of results) expect(predictions).toEqual(alone.get(image as string)?.[0])
})

test('a bad image takes its place and stops nothing', async () => {
  const truncated = join(temporaryFolder(), 'truncated.jpg')
  writeFileSync(truncated, readFileSync(photos.find((photo) => photo.endsWith('.jpg')) as string))
  truncateSync(truncated, 20_000)
  const bad: Record<number, ImageInput> = {
    0: truncated,
    3: join(temporaryFolder(), 'missing.png'),
    4: new Uint8Array(0),
    5: new TextEncoder().encode('no image'),
    10: truncated,
  }
  const { images } = source(11, (index) => bad[index] ?? plain(...colourOf(index)))
  const results = await collect(images, { batchSize: 3 })
  expect(results).toHaveLength(11)
  for (const [index, result] of results.entries()) {
    if (bad[index] === undefined) {
      expect(result.error).toBeUndefined()
      expectColour(result, colourOf(index))
    } else {
      expect(result.image).toBe(bad[index])
      expect(result.predictions).toBeUndefined()
      expect(result.error).toMatchObject({ code: 'ERR_TORCH_IMAGE' })
    }
  }
  expect(results[0]?.error?.message).toContain("truncated.jpg' cannot be decoded")
  expect(results[3]?.error?.message).toContain("missing.png' cannot be read")
  expect(results[4]?.error?.message).toBe('Expected a JPEG, PNG, WebP, TIFF or GIF image but image 4 is empty')
})

test('what is no image takes its place too, by its number', async () => {
  const { pixels } = plain(1, 2, 3)
  const large = new Uint8Array(5 * 2 ** 20)
  structuredClone(large.buffer, { transfer: [large.buffer] })
  const bad: [unknown, code: string][] = [
    [{ pixels, width: 1000, height: 1 }, 'ERR_TORCH_SHAPE'],
    [{ pixels, width: 0, height: 1 }, 'ERR_TORCH_INVALID_ARGUMENT'],
    [{ pixels: [1, 2, 3], width: 1, height: 1 }, 'ERR_TORCH_INVALID_ARGUMENT'],
    ['', 'ERR_TORCH_INVALID_ARGUMENT'],
    [5, 'ERR_TORCH_INVALID_ARGUMENT'],
    [undefined, 'ERR_TORCH_INVALID_ARGUMENT'],
    [null, 'ERR_TORCH_INVALID_ARGUMENT'],
    [[], 'ERR_TORCH_INVALID_ARGUMENT'],
    [[plain(1, 2, 3), plain(1, 2, 3)], 'ERR_TORCH_INVALID_ARGUMENT'],
    [new URL('http://127.0.0.1/x.jpg'), 'ERR_TORCH_INVALID_ARGUMENT'],
    [large, 'ERR_TORCH_INVALID_ARGUMENT'],
  ]
  const { images } = source(2 * bad.length, (index) =>
    index % 2 === 1 ? (bad[index >> 1]?.[0] as ImageInput) : plain(...colourOf(index)),
  )
  const results = await collect(images, { batchSize: 5 })
  expect(results).toHaveLength(2 * bad.length)
  for (const [index, result] of results.entries()) {
    if (index % 2 === 0) expectColour(result, colourOf(index))
    else {
      const [image, code] = bad[index >> 1] as (typeof bad)[number]
      expect(result.image).toBe(image)
      expect(result.error).toMatchObject({ code, message: expect.stringContaining(`image ${index} `) })
    }
  }
})

test('a list with a bad image rejects with its name', async () => {
  const list = [plain(1, 2, 3), join(temporaryFolder(), 'missing.png')]
  await expect(model.classify(list)).rejects.toMatchObject({
    code: 'ERR_TORCH_IMAGE',
    message: expect.stringContaining('missing.png'),
  })
})

test('a bad image of a list has its number in the whole list', async () => {
  const list: ImageInput[] = Array.from({ length: 12 }, (_, index) => plain(...colourOf(index)))
  list[9] = new Uint8Array(0)
  const message = 'Expected a JPEG, PNG, WebP, TIFF or GIF image but image 9 is empty'
  await expect(model.classify(list, { batchSize: 4 })).rejects.toMatchObject({ message, details: { image: 'image 9' } })
  list[9] = 5 as never
  await expect(model.classify(list, { batchSize: 4 })).rejects.toMatchObject({
    code: 'ERR_TORCH_INVALID_ARGUMENT',
    message: expect.stringContaining('for image 9 '),
  })
})

test('only bad images are only errors', async () => {
  const results = await collect(source(5, () => new Uint8Array(3)).images, { batchSize: 2 })
  expect(results.map(({ error }) => error?.code)).toEqual(Array(5).fill('ERR_TORCH_IMAGE'))
})

test('nothing gives nothing', async () => {
  expect(await collect(source(0).images)).toEqual([])
  expect(await collect(Readable.from([]))).toEqual([])
  await expect(model.classify([])).rejects.toMatchObject({
    code: 'ERR_TORCH_INVALID_ARGUMENT',
    message: expect.stringContaining('at least one image'),
  })
})

test.each([4, 1000, 100_001, 1e9, Number.MAX_SAFE_INTEGER])(
  'topK %i, beyond the classes, gives all of them',
  async (topK) => {
    const [result] = await collect(source(1).images, { topK })
    expect(result?.predictions).toHaveLength(3)
    expect((await model.classify([plain(1, 2, 3)], { topK: 1 }))[0]).toHaveLength(1)
  },
)

describe('the source', () => {
  test.each([1, 4])('is read at most 3 batches of %i ahead of what was given', async (batchSize) => {
    const { images, state } = source()
    const results = model.classify(images, { batchSize })
    await setImmediate()
    expect(state.read).toBe(0)
    for (let given = 1; given <= 6 * batchSize; given++) {
      await results.next()
      expect(state.read - given).toBeLessThanOrEqual(3 * batchSize)
      await sleep(given === 1 ? 30 : 1)
      expect(state.read - given).toBeLessThanOrEqual(3 * batchSize) // not even with time to do so
    }
    await results.return(undefined)
  })

  test('hears that its reader left', async () => {
    const { images, state } = source()
    let seen = 0
    for await (const _ of model.classify(images, { batchSize: 8 })) if (++seen === 20) break
    expect(state.left).toBe(true)
    expect(state.read).toBeLessThanOrEqual(20 + 3 * 8)
  })

  test('that its reader never asked is not begun', async () => {
    const { images, state } = source()
    await model.classify(images).return(undefined)
    expect(state.read).toBe(0)
  })

  test('that fails gives what it gave before, then its error', async () => {
    const failure = new Error('the disk went away')
    async function* failing() {
      yield* source(10).images
      throw failure
    }
    const results: Classified[] = []
    const reading = (async () => {
      for await (const result of model.classify(failing(), { batchSize: 4 })) results.push(result)
    })()
    await expect(reading).rejects.toBe(failure)
    expect(results).toHaveLength(10)
    for (const [index, result] of results.entries()) expectColour(result, colourOf(index))
  })

  test('that fails at once, or has no iterator, is said so', async () => {
    const failure = new Error('never began')
    const sources = [
      { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(failure) }) },
      {
        [Symbol.asyncIterator]: () => {
          throw failure
        },
      },
    ]
    for (const images of sources) await expect(collect(images as never)).rejects.toBe(failure)
    await expect(model.classify({ [Symbol.asyncIterator]: 5 } as never)).rejects.toMatchObject({
      code: 'ERR_TORCH_INVALID_ARGUMENT',
    })
  })
})

describe('leaving early', () => {
  test('while photographs are decoded frees them all', async () => {
    for (const seen of [1, 2, 3]) {
      let given = 0
      const images = source(undefined, (index) => photos[index % photos.length] as string).images
      for await (const _ of model.classify(images, { batchSize: 2 })) if (++given === seen) break
      await vi.waitFor(() => expect(memory()).toEqual(atRest), { timeout: 5000 })
    }
  })

  test('by an error of the reader passes that on', async () => {
    const { images, state } = source()
    const own = new Error('of the reader')
    const reading = (async () => {
      for await (const _ of model.classify(images)) throw own
    })()
    await expect(reading).rejects.toBe(own)
    expect(state.left).toBe(true)
  })
})

describe('an abort', () => {
  test('before the start reads nothing', async () => {
    const { images, state } = source()
    await expect(collect(images, { signal: AbortSignal.abort('early') })).rejects.toBe('early')
    expect(state.read).toBe(0)
    await expect(model.classify(photos, { signal: AbortSignal.abort('early') })).rejects.toBe('early')
  })

  test('in the middle rejects the next result with the reason', async () => {
    const controller = new AbortController()
    const { images, state } = source()
    let given = 0
    const reading = (async () => {
      for await (const _ of model.classify(images, { batchSize: 8, signal: controller.signal })) {
        if (++given === 10) controller.abort('enough')
      }
    })()
    await expect(reading).rejects.toBe('enough')
    expect(given).toBe(10)
    expect(state.left).toBe(true)
  })

  test('while photographs are decoded frees them', async () => {
    const controller = new AbortController()
    const images = source(undefined, (index) => photos[index % photos.length] as string).images
    const reading = collect(images, { batchSize: 64, signal: controller.signal })
    await sleep(20)
    controller.abort('enough')
    await expect(reading).rejects.toBe('enough')
  })

  test('of a list rejects with the reason', async () => {
    const controller = new AbortController()
    const calling = model.classify(photos, { batchSize: 2, signal: controller.signal })
    await sleep(5)
    controller.abort('enough')
    await expect(calling).rejects.toBe('enough')
  })

  test('rejects even while the source is silent, and a silent source is told', async () => {
    const controller = new AbortController()
    const left = vi.fn(async () => ({ done: true, value: undefined }))
    let asked = 0
    const next = async () => (++asked <= 2 ? { value: plain(1, 2, 3) } : new Promise(() => {}))
    const images = { [Symbol.asyncIterator]: () => ({ next, return: left }) }
    const reading = collect(images as never, { batchSize: 1, signal: controller.signal })
    await vi.waitFor(() => expect(asked).toBe(3))
    controller.abort('enough')
    await expect(reading).rejects.toBe('enough')
    expect(left).toHaveBeenCalledOnce()
  })

  test('leaves no listener behind', async () => {
    const controller = new AbortController()
    const remove = vi.spyOn(controller.signal, 'removeEventListener')
    const add = vi.spyOn(controller.signal, 'addEventListener')
    await collect(source(40).images, { signal: controller.signal })
    expect(add.mock.calls.length).toBeGreaterThan(0)
    expect(remove.mock.calls.length).toBe(add.mock.calls.length)
  })
})

test('a reader that asks in scopes of its own loses nothing that is under way', async () => {
  const results = model.classify(source(30).images, { batchSize: 4 })
  for (let index = 0; index < 30; index++) {
    const { value } = await scope(() => results.next())
    expectColour(value as Classified, colourOf(index))
  }
  expect((await results.next()).done).toBe(true)
})

test('two streams of one classifier at once do not mix', async () => {
  const [first, second] = await Promise.all([
    collect(source(60).images, { batchSize: 4 }),
    collect(source(60, (index) => plain(...colourOf(index + 100))).images, { batchSize: 7 }),
  ])
  for (const [index, result] of first.entries()) expectColour(result, colourOf(index))
  for (const [index, result] of second.entries()) expectColour(result, colourOf(index + 100))
})

test('a classifier that is disposed ends what begins after, and not what runs', async () => {
  const own = await ImageClassifier.load(await tinyArchive())
  const pixels = await own.preprocess(plain(9, 8, 7))
  const running = own.forward(pixels)
  own.dispose()
  pixels.dispose()
  const logits = await running
  expect(logits.shape).toEqual([1, 3])
  logits.dispose()
  await expect(own.classify(plain(1, 2, 3))).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED' })

  const another = await ImageClassifier.load(await tinyArchive())
  const { images, state } = source()
  const reading = (async () => {
    for await (const _ of another.classify(images, { batchSize: 2 })) another.dispose()
  })()
  await expect(reading).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED' })
  expect(state.left).toBe(true)
})

test('a program that fails ends the stream with its error', async () => {
  const program = 'def forward(self, x):\n    assert x.mean() < 0.5, "too bright"\n    return x.mean([2, 3])\n'
  const own = await ImageClassifier.load(await tinyArchive(tinyConfig, program), { optimize: 'none' })
  const { images, state } = source(undefined, (index) => plain(index * 20, index * 20, index * 20))
  const reading = (async () => {
    for await (const _ of own.classify(images, { batchSize: 2 }));
  })()
  await expect(reading).rejects.toMatchObject({ code: 'ERR_TORCH_MODULE_RUN' })
  expect(state.left).toBe(true)
  own.dispose()
})

test.each<[string, string, unknown]>([
  ['ERR_TORCH_INVALID_ARGUMENT', 'topK', { topK: 0 }],
  ['ERR_TORCH_INVALID_ARGUMENT', 'batchSize', { batchSize: 0 }],
  ['ERR_TORCH_INVALID_ARGUMENT', 'batchSize', { batchSize: 1.5 }],
  ['ERR_TORCH_INVALID_ARGUMENT', 'AbortSignal', { signal: 'now' }],
  ['ERR_TORCH_UNKNOWN_OPTION', 'did you mean topK', { topk: 1 }],
  ['ERR_TORCH_INVALID_ARGUMENT', 'an object', 7],
])('options of classify, %s: %s', async (code, text, options) => {
  const expected = { code, message: expect.stringContaining(text) }
  await expect(model.classify(plain(1, 2, 3), options as never)).rejects.toMatchObject(expected)
  await expect(async () => model.classify(source().images, options as never)).rejects.toMatchObject(expected)
})

test.each([null, undefined, 5, true, '', {}, new Map()])('%j is no image', async (image) => {
  const refused = { code: 'ERR_TORCH_INVALID_ARGUMENT' }
  await expect(model.classify(image as never)).rejects.toMatchObject(refused)
  await expect(model.preprocess(image as never)).rejects.toMatchObject(refused)
})

test('a source that waits for each answer gets it, whatever the batch size', async () => {
  let answered = () => {}
  async function* questions() {
    for (let index = 0; index < 3; index++) {
      yield plain(...colourOf(index))
      await new Promise<void>((resolve) => {
        answered = resolve
      })
    }
  }
  let results = 0
  for await (const result of model.classify(questions(), { batchSize: 8 })) {
    expectColour(result, colourOf(results++))
    answered()
  }
  expect(results).toBe(3)
})

test('a slow source holds back no result', async () => {
  let given = 0
  async function* slow() {
    for (; given < 4; ) {
      yield plain(...colourOf(given++))
      await sleep(150)
    }
  }
  const behind: number[] = []
  for await (const _ of model.classify(slow(), { batchSize: 8 })) behind.push(given - behind.length)
  expect(behind).toEqual([1, 1, 1, 1])
})
