// maxPixels and autoOrient wherever a model takes images: of the model, and of a call.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { preprocess } from '../../lib/io/preprocess.js'
import { ImageClassifier, type ImageClassifierOptions, ResNet } from '../../lib/models/index.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'
import { photos } from '../support/sample-photos.js'
import { tinyArchive } from '../support/tiny-classifier.js'

expectNoLeaks()

const [width, height] = [64, 48]
const folder = mkdtempSync(join(tmpdir(), 'node-libtorch-test-'))
const portrait = join(folder, 'portrait.jpg')
let pixels: number

const random = { architecture: 'resnet18', random: 5 } as const
/** A network whose result depends on which side is up. */
const load = (preprocessing: ImageClassifierOptions['preprocess'] = {}) =>
  ResNet.load(random, { optimize: 'none', preprocess: { inputSize: [3, 64, 64], ...preprocessing } })

let model: ResNet
let turning: ResNet
beforeAll(async () => {
  const photo = sharp(photos[0] as string).resize(width, height, { fit: 'fill' })
  await photo.withMetadata({ orientation: 6 }).jpeg().toFile(portrait)
  pixels = width * height
  model = await load()
  turning = await load({ autoOrient: true, maxPixels: pixels })
})
afterAll(() => {
  model.dispose()
  turning.dispose()
  rmSync(folder, { recursive: true })
})

const one = async function* () {
  yield portrait
}
const verbs = ['classify', 'embed', 'heatMap', 'features'] as const
type Entries = AsyncGenerator<{ error?: unknown }, undefined>

/** One of the verbs, which TypeScript cannot call as one. */
const alone = (own: ResNet, verb: (typeof verbs)[number], options: object = {}): Promise<unknown[]> =>
  (own[verb] as (image: string, options: object) => Promise<unknown[]>).call(own, portrait, options)
const streamed = (own: ResNet, verb: (typeof verbs)[number], options: object = {}): Entries =>
  (own[verb] as unknown as (images: AsyncIterable<string>, options: object) => Entries).call(own, one(), options)

type Options = { maxPixels?: number; autoOrient?: boolean }

/** What a verb gives of the portrait, alone and in a stream, as numbers. */
async function given(own: ResNet, verb: (typeof verbs)[number], options: Options = {}): Promise<unknown> {
  if (verb === 'features') {
    const [map] = await own.features(portrait, { indices: [-1], ...options })
    return Array.from((await map?.data('float32')) as Float32Array)
  }
  const [result] = await alone(own, verb, options)
  const { value } = await streamed(own, verb, options).next()
  expect(Object.values({ ...value, image: undefined, error: undefined })).toContainEqual(result)
  return result
}

describe.each(verbs)('%s', (verb) => {
  scopedTest('turns an image as its EXIF orientation says where it is told to, and only there', async () => {
    const [asItIs, turned] = [await given(model, verb), await given(model, verb, { autoOrient: true })]
    expect(turned).not.toEqual(asItIs)
    expect(await given(turning, verb)).toEqual(turned)
    expect(await given(turning, verb, { autoOrient: false })).toEqual(asItIs)
  })

  scopedTest('refuses an image of more pixels than the call or the model allows, before it is decoded', async () => {
    const refused = {
      ...{ code: 'ERR_TORCH_IMAGE', operation: verb, details: { reason: 'too large', image: portrait } },
      message: `Expected an image of at most ${pixels - 1} pixels but '${portrait}' has more`,
    }
    const tooFew = { maxPixels: pixels - 1 }
    await expect(given(model, verb, tooFew)).rejects.toMatchObject(refused)
    await expect(given(turning, verb, tooFew)).rejects.toMatchObject(refused)
    const strict = await load({ maxPixels: pixels - 1 })
    await expect(given(strict, verb)).rejects.toMatchObject(refused)
    await given(strict, verb, { maxPixels: pixels })
    const { value } = await streamed(strict, verb).next()
    expect(value?.error).toMatchObject(refused)
  })

  test.each([
    [{ maxPixels: 0 }, 'maxPixels'],
    [{ maxPixels: '5' }, 'maxPixels'],
    [{ autoOrient: 1 }, 'autoOrient'],
  ])('refuses %j', async (options, text) => {
    const refused = { code: 'ERR_TORCH_INVALID_ARGUMENT', message: expect.stringContaining(`${text} of ${verb}`) }
    await expect(alone(model, verb, options)).rejects.toMatchObject(refused)
  })
})

scopedTest('preprocess of a model takes both, and gives what preprocess gives', async () => {
  const read = async (tensor: Promise<{ data(dtype: 'float32'): Promise<Float32Array> }>) =>
    (await tensor).data('float32')
  const turned = await read(preprocess(portrait, model.preprocessing, { autoOrient: true }))
  expect(await read(model.preprocess(portrait, { autoOrient: true }))).toEqual(turned)
  expect(await read(turning.preprocess(portrait))).toEqual(turned)
  expect(await read(turning.preprocess(portrait, { autoOrient: false }))).toEqual(
    await read(model.preprocess(portrait)),
  )
  await expect(model.preprocess(portrait, { maxPixels: 1 })).rejects.toMatchObject({ code: 'ERR_TORCH_IMAGE' })
})

scopedTest('the limits are those of a changed model too, and no part of timm’s data config', async () => {
  const changed = await turning.resetClassifier(3, { seed: 1 })
  expect(await given(changed, 'embed')).toEqual(await given(turning, 'embed'))
  expect(turning.preprocessing).toEqual(model.preprocessing)
})

test.each([
  [{ maxPixels: 0 }, 'ERR_TORCH_INVALID_ARGUMENT', 'maxPixels of preprocess of ImageClassifier.load'],
  [{ autoOrient: 'yes' }, 'ERR_TORCH_INVALID_ARGUMENT', 'autoOrient of preprocess of ImageClassifier.load'],
  [{ maxpixels: 5 }, 'ERR_TORCH_UNKNOWN_OPTION', 'did you mean maxPixels'],
])('load refuses %j', async (preprocessing, code, text) => {
  const loading = ImageClassifier.load(await tinyArchive(), { preprocess: preprocessing as never })
  await expect(loading).rejects.toMatchObject({ code, message: expect.stringContaining(text) })
})
