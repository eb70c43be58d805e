import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { batch } from '../../lib/io/batch.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { picture } from '../support/picture.js'
import { repositoryRoot } from '../support/source-files.js'

interface GoldenBatch {
  files: string[]
  fit: 'resize' | 'pad'
  size: [height: number, width: number] | null
  interpolation: 'bicubic' | 'bilinear'
  shape: [number, number, number, number]
  entry: string
  tensor: string
  mask: string
}

const folder = join(repositoryRoot, 'test', 'golden')
const batches: GoldenBatch[] = JSON.parse(readFileSync(join(folder, 'transform.json'), 'utf8')).batches
const sha256 = (data: ArrayBufferView) =>
  createHash('sha256')
    .update(data as Uint8Array)
    .digest('hex')
const raw = (width: number, height: number) => ({ pixels: picture(width, height), width, height })

expectNoLeaks()

describe('a batch of images of different sizes is what Pillow and torchvision make of them', () => {
  test.each(batches.map((golden) => [golden.fit, golden.size, golden] as const))(
    '%s %j',
    inScope(async (fit, size, { files, interpolation, shape, ...digests }) => {
      const images = files.map((name) => join(folder, 'images', name))
      const inputSize = size === null ? undefined : ([3, ...size] as const)
      const { pixels, mask } = await batch(images, { fit, inputSize, interpolation })
      expect(pixels.shape).toEqual(shape)
      expect(mask.shape).toEqual([shape[0], shape[2], shape[3]])
      expect(sha256(await pixels.data('float32'))).toBe(digests.tensor)
      expect(sha256(await mask.data('bool'))).toBe(digests.mask)
      const bytes = await batch(images, { fit, inputSize, interpolation, normalize: false })
      expect(sha256(await bytes.pixels.data('uint8'))).toBe(digests.entry)
    }),
  )
})

scopedTest('resizes to [3, 224, 224] unless told otherwise, and masks nothing', async () => {
  const { pixels, mask } = await batch([raw(3, 2), raw(20, 50)], { fit: 'resize' })
  expect(pixels.shape).toEqual([2, 3, 224, 224])
  expect((await mask.data('bool')).every((value) => value === 1)).toBe(true)
})

scopedTest('pads one image to nothing but itself', async () => {
  const { pixels, mask } = await batch(raw(3, 2), { fit: 'pad', normalize: false })
  expect(pixels.shape).toEqual([1, 3, 2, 3])
  expect(mask.dtype).toBe('bool')
})

test.each([
  [undefined, 'ERR_TORCH_INVALID_ARGUMENT', /fit of batch/],
  [{}, 'ERR_TORCH_INVALID_ARGUMENT', /fit of batch/],
  [{ fit: 'crop' }, 'ERR_TORCH_INVALID_ARGUMENT', /'resize' or 'pad' for fit of batch/],
  [{ fit: 'pad', cropPct: 1 }, 'ERR_TORCH_UNKNOWN_OPTION', /cropPct/],
  [{ fit: 'pad', inputSize: [3, 0, 4] }, 'ERR_TORCH_INVALID_ARGUMENT', /sides from 1/],
  [{ fit: 'pad', inputSize: [1, 4, 4] }, 'ERR_TORCH_INVALID_ARGUMENT', /\[3, height, width\]/],
])('rejects the options %j', async (options, code, message) => {
  const call = batch(raw(2, 2), options as never)
  await expect(call).rejects.toMatchObject({ code, operation: 'batch', message: expect.stringMatching(message) })
})

test('names the image that a box reduces to nothing', async () => {
  const call = batch([raw(2, 2), raw(700, 1)], { fit: 'pad', inputSize: [3, 32, 32] })
  await expect(call).rejects.toMatchObject({
    code: 'ERR_TORCH_IMAGE',
    message: expect.stringMatching(/image 1 of 700 x 1/),
  })
})
