// The native function below lib/io, held to what binding.d.ts says.
import { describe, expect, test } from 'vitest'
import type { NativeImage, NativePlacement, NativeTensor } from '../../binding.js'
import { arrived } from '../../lib/core/arrivals.js'
import { native } from '../../lib/core/native.js'
import { expectNoLeaks } from '../support/handles.js'

expectNoLeaks()

const rgb = (): NativeImage => ({ samples: Uint8Array.of(10, 20, 30, 40, 50, 60), format: 'rgb', width: 2, height: 1 })
const place = (): NativePlacement => ({
  filter: 'bicubic',
  width: 2,
  height: 1,
  left: 0,
  top: 0,
  fill: [1, 2, 3],
  table: undefined,
})
const bytes = (...shape: number[]) => {
  const length = shape.reduce((product, size) => product * size, 1)
  return new (native().NativeTensor)(new Uint8Array(length), 'uint8', shape)
}

async function withBatch(batch: NativeTensor, work: (batch: NativeTensor) => Promise<unknown>) {
  try {
    return await work(batch)
  } finally {
    batch.dispose()
  }
}

test('writes the entry that it is told to, and fills around the picture', async () => {
  await withBatch(bytes(2, 3, 2, 3), async (batch) => {
    await arrived(native().writeImage(batch, 1, rgb(), { ...place(), left: -1, top: -1 }))
    const { buffer } = await arrived(batch.bytes())
    expect([...new Uint8Array(buffer)]).toEqual([
      ...new Array(18).fill(0),
      ...[1, 1, 1, 1, 10, 40],
      ...[2, 2, 2, 2, 20, 50],
      ...[3, 3, 3, 3, 30, 60],
    ])
  })
})

const unreadable = Object.defineProperty({}, 'samples', {
  enumerable: true,
  get() {
    throw new Error('no')
  },
})
const detached = new Uint8Array(6)
structuredClone(detached.buffer, { transfer: [detached.buffer] })

describe('refuses', () => {
  test.each<[string, object, object, string]>([
    ['too few samples', { samples: new Uint8Array(5) }, {}, '6 bytes for the samples but received 5'],
    ['too many samples', { samples: new Uint8Array(7) }, {}, '6 bytes'],
    ['a detached buffer', { samples: detached }, {}, '6 bytes for the samples but received 0'],
    ['samples that are no bytes', { samples: new Float32Array(6) }, {}, 'a Uint8Array for the samples'],
    ['no samples', { samples: undefined }, {}, 'a Uint8Array for the samples'],
    ['a getter that throws', unreadable, {}, 'reading them threw: no'],
    ['another format', { format: 'bgr' }, {}, "'rgb', 'cmyk' or 'grey16'"],
    ['samples of another format', { format: 'cmyk' }, {}, '8 bytes'],
    ['a width of 0', { width: 0 }, {}, 'the width of the samples'],
    ['a width of 2^31', { width: 2 ** 31, height: 2 ** 31 }, {}, 'the width of the samples'],
    ['a broken height', { height: 1.5 }, {}, 'the height of the samples'],
    ['another filter', {}, { filter: 'lanczos' }, "'bilinear' or 'bicubic'"],
    ['a resampled width of 0', {}, { width: 0 }, 'the resampled width'],
    ['a resampled height of 2^31', {}, { height: 2 ** 31 }, 'the resampled height'],
    ['a far place', {}, { left: -(2 ** 40) }, 'left'],
    ['a fill of 2', {}, { fill: [1, 2] }, 'array of 3 numbers for fill'],
    ['a fill of strings', {}, { fill: ['a', 'b', 'c'] }, 'number for fill'],
    ['a short table', {}, { table: new Float32Array(3) }, '768'],
    ['a table for bytes', {}, { table: new Float32Array(768) }, 'float32 on the CPU for batch'],
  ])('%s', async (_, image, placement, text) => {
    await withBatch(bytes(1, 3, 1, 2), async (batch) => {
      const changed = Object.defineProperties(rgb(), Object.getOwnPropertyDescriptors(image))
      const run = () => native().writeImage(batch, 0, changed, { ...place(), ...placement } as NativePlacement)
      expect(run).toThrowError(expect.objectContaining({ code: 'ERR_TORCH_INVALID_ARGUMENT' }))
      expect(run).toThrowError(text)
    })
  })

  test.each<[string, () => NativeTensor, number, string]>([
    ['an index beyond the batch', () => bytes(1, 3, 1, 2), 1, '0 to 0 for index but received 1'],
    ['a negative index', () => bytes(1, 3, 1, 2), -1, 'index'],
    ['an empty batch', () => bytes(0, 3, 1, 2), 0, 'index'],
    ['three dimensions', () => bytes(3, 1, 2), 0, '[N, 3, H, W]'],
    ['four channels', () => bytes(1, 4, 1, 2), 0, '[N, 3, H, W]'],
  ])('%s', async (_, make, index, text) => {
    await withBatch(make(), async (batch) => {
      expect(() => native().writeImage(batch, index, rgb(), place())).toThrowError(text)
    })
  })

  test('a disposed batch, and what is no tensor', () => {
    const batch = bytes(1, 3, 1, 2)
    batch.dispose()
    expect(() => native().writeImage(batch, 0, rgb(), place())).toThrowError(/disposed/)
    expect(() => native().writeImage({} as never, 0, rgb(), place())).toThrowError(/Expected a Tensor for batch/)
    expect(() => native().writeImage(5 as never, 0, 5 as never, place())).toThrowError(
      /Expected a plain object for image/,
    )
  })
})
