import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { TorchError } from '../../lib/core/errors.js'
import { ops } from '../../lib/core/ops.js'
import { decodeImage } from '../../lib/io/decode-image.js'
import type { ImageInput } from '../../lib/io/image-input.js'
import { preprocess } from '../../lib/io/preprocess.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { picture } from '../support/picture.js'
import { repositoryRoot } from '../support/source-files.js'

const image = (name: string) => join(repositoryRoot, 'test', 'golden', 'images', name)
const bytesOf = (name: string) => new Uint8Array(readFileSync(image(name)))
const sha256 = (data: ArrayBufferView) =>
  createHash('sha256')
    .update(data as Uint8Array)
    .digest('hex')
const raw = (width: number, height: number) => ({ pixels: picture(width, height), width, height })

const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error: unknown) => error,
  )

expectNoLeaks()

describe('every way to name an image gives the same tensor', () => {
  const ways: [string, () => ImageInput][] = [
    ['a file: URL', () => pathToFileURL(image('420.jpg'))],
    ['a file: URL as text', () => pathToFileURL(image('420.jpg')).href],
    ['a Buffer', () => readFileSync(image('420.jpg'))],
    ['a Uint8Array', () => bytesOf('420.jpg')],
    ['a view into a larger buffer', () => Buffer.concat([Buffer.from('xyz'), bytesOf('420.jpg')]).subarray(3)],
    ['an ArrayBuffer', () => bytesOf('420.jpg').buffer as ArrayBuffer],
    [
      'a view of a SharedArrayBuffer',
      () => {
        const shared = new Uint8Array(new SharedArrayBuffer(bytesOf('420.jpg').length))
        shared.set(bytesOf('420.jpg'))
        return shared
      },
    ],
  ]
  test.each(ways)(
    '%s',
    inScope(async (_, make) => {
      const wanted = await (await decodeImage(image('420.jpg'))).data()
      expect(await (await decodeImage(make())).data()).toEqual(wanted)
    }),
  )
})

scopedTest(
  'bytes are read at the time of the call: changing, detaching and clearing them later changes nothing',
  async () => {
    const wanted = await (await preprocess(image('gamma.png'))).data()
    const encoded = bytesOf('gamma.png')
    const first = preprocess(encoded)
    encoded.fill(0)
    expect(await (await first).data()).toEqual(wanted)
    const moved = bytesOf('gamma.png')
    const second = preprocess(moved)
    structuredClone(moved.buffer, { transfer: [moved.buffer as ArrayBuffer] })
    expect(await (await second).data()).toEqual(wanted)
    const { pixels, width, height } = raw(53, 40)
    const third = preprocess({ pixels, width, height })
    structuredClone(pixels.buffer, { transfer: [pixels.buffer as ArrayBuffer] })
    expect(await (await third).data()).toEqual(wanted)
  },
)

/** A JPEG of more bytes than are copied at the time of a call: what follows its end is nobody's. */
const padded = () => Buffer.concat([bytesOf('420.jpg'), Buffer.alloc(5 * 2 ** 20)])

scopedTest('many large buffers are copied as their turns come, never all at once', async () => {
  const large = padded()
  const before = process.memoryUsage().arrayBuffers
  let running = true
  const call = preprocess(Array(60).fill(large), { inputSize: [3, 16, 16] }).finally(() => {
    running = false
  })
  const atOnce = process.memoryUsage().arrayBuffers - before
  expect(atOnce).toBeLessThan(5 * large.length)
  let turns = 0
  for (; running; turns++) await setImmediate()
  // Eight images at most are copied at a time on the usual pool of four threads, a mebibyte of each in a turn.
  expect(turns).toBeGreaterThan((60 * 6) / 8)
  await call
})

scopedTest('large buffers and large pixels give the same as small ones', async () => {
  const config = { inputSize: [3, 64, 64] } as const
  const wanted = sha256(await (await preprocess(image('420.jpg'), config)).data())
  expect(sha256(await (await preprocess(padded(), config)).data())).toBe(wanted)
  const { pixels, width, height } = raw(1601, 1203)
  const whole = await decodeImage({ pixels, width, height })
  const green = Buffer.from(await (await ops.select(whole, 0, 1)).data('uint8'))
  expect(green.equals(Buffer.from(pixels.filter((_, i) => i % 3 === 1)))).toBe(true)
})

test('a large buffer that is detached before its turn is refused by its number', async () => {
  const large = new Uint8Array(padded())
  const call = errorOf(preprocess([image('420.jpg'), large]))
  structuredClone(large.buffer, { transfer: [large.buffer] })
  expect(await call).toMatchObject({
    code: 'ERR_TORCH_INVALID_ARGUMENT',
    message: expect.stringContaining('stay as they are until the call has ended for image 1 but received'),
    details: { image: 'image 1' },
  })
})

scopedTest('a GIF given as bytes is left as it was', async () => {
  const bytes = bytesOf('transparent.gif')
  await decodeImage(bytes)
  expect(bytes).toEqual(bytesOf('transparent.gif'))
})

/** A PNG of a few bytes that says that it has a million times as many pixels. */
function bomb(width: number, height: number): Buffer {
  const bytes = Buffer.from(bytesOf('grey.png'))
  bytes.writeUInt32BE(width, 16)
  bytes.writeUInt32BE(height, 20)
  return bytes
}

const damaged: [name: string, bytes: () => Uint8Array, reason: string, message: RegExp][] = [
  ['empty.jpg', () => Buffer.alloc(0), 'empty', /is empty$/],
  [
    'text.jpg',
    () => Buffer.from('this is no image\n'.repeat(100)),
    'unsupported',
    /Expected a JPEG, PNG, WebP, TIFF or GIF/,
  ],
  ['picture.svg', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'unsupported', /is none$/],
  ['archive.png', () => deflateSync(Buffer.alloc(999)), 'unsupported', /is none$/],
  ['signature.png', () => bytesOf('rgb.png').subarray(0, 8), 'damaged', /cannot be decoded/],
  ['no-pixels.png', () => bytesOf('rgb.png').fill(0, 16, 24), 'damaged', /has corrupt header$/],
  ['signature.jpg', () => bytesOf('420.jpg').subarray(0, 3), 'damaged', /cannot be decoded/],
  ['signature.gif', () => bytesOf('plain.gif').subarray(0, 6), 'damaged', /cannot be decoded/],
  ['signature.tif', () => bytesOf('raw.tif').subarray(0, 4), 'damaged', /cannot be decoded/],
  ['signature.webp', () => bytesOf('lossy.webp').subarray(0, 12), 'damaged', /cannot be decoded/],
  ['crc.png', () => bytesOf('rgb.png').fill(0, 900, 950), 'damaged', /cannot be decoded/],
  ['last-block.gif', () => bytesOf('plain.gif').subarray(0, -3), 'damaged', /cannot be decoded/],
  ['last-block-behind-a-table.gif', () => bytesOf('animated.gif').subarray(0, 1500), 'damaged', /cannot be decoded/],
  ['directory.tif', () => bytesOf('rgbx.tif').subarray(0, 60), 'damaged', /ends before its directory does/],
  ['no-end.jpg', () => bytesOf('no-end-marker.jpg'), 'damaged', /cannot be decoded/],
  ...[
    '420.jpg',
    'progressive.jpg',
    'cmyk.jpg',
    'rgb.png',
    'grey-16.png',
    'lossy.webp',
    'raw.tif',
    'cmyk.tif',
    'plain.gif',
  ].flatMap((file) =>
    [0.2, 0.5, 0.9].map((share): (typeof damaged)[number] => [
      `${share}-of-${file}`,
      () => bytesOf(file).subarray(0, bytesOf(file).length * share),
      'damaged',
      /cannot be decoded/,
    ]),
  ),
  ['bomb.png', () => bomb(30_000, 30_000), 'too large', /at most 178956970 pixels/],
  ['large-bomb.png', () => bomb(2 ** 31 - 1, 2 ** 31 - 1), 'damaged', /cannot be decoded/],
]

describe('what cannot be decoded is refused by name', () => {
  test.each(damaged)('%s', async (name, make, reason, message) => {
    const file = join(temporaryFolder(), name)
    writeFileSync(file, make())
    for (const [input, called] of [
      [file, file],
      [readFileSync(file), 'image 1'],
    ] as const) {
      const error = await errorOf(preprocess([image('one-pixel.jpg'), input]))
      expect(error).toBeInstanceOf(TorchError)
      expect(error).toMatchObject({
        code: 'ERR_TORCH_IMAGE',
        operation: 'preprocess',
        details: { reason, image: called },
      })
      expect((error as Error).message).toMatch(message)
      expect((error as Error).message).toContain(called === file ? `'${file}'` : called)
    }
  })

  const kinds = join(repositoryRoot, 'test', 'golden', 'refused-images')
  test.each(readdirSync(kinds))('%s, a kind that Pillow refuses or makes other pixels of', async (name) => {
    const error = await errorOf(decodeImage(join(kinds, name)))
    expect(error).toMatchObject({ code: 'ERR_TORCH_IMAGE', details: { reason: 'unsupported' } })
    expect((error as Error).message).toContain(`'${join(kinds, name)}'`)
    expect((error as Error).message).toMatch(
      name === 'big.tif' ? /is a BigTIFF$/ : /PhotometricInterpretation|no known|not configured/,
    )
  })

  test('pipes and devices at once, and images go on', async () => {
    const pipe = join(temporaryFolder(), 'pipe.jpg')
    execFileSync('mkfifo', [pipe])
    for (const path of [pipe, pipe, pipe, pipe, pipe, '/dev/zero']) {
      expect(await errorOf(preprocess(path))).toMatchObject({
        code: 'ERR_TORCH_IMAGE',
        message: expect.stringContaining(`'${path}' cannot be read: it is not a regular file`),
        details: { reason: 'unreadable' },
      })
    }
    const link = join(temporaryFolder(), 'link.jpg')
    symlinkSync(image('420.jpg'), link)
    ;(await decodeImage(link)).dispose()
  })

  test('a file that is missing, and a folder', async () => {
    for (const path of [join(temporaryFolder(), 'missing.jpg'), temporaryFolder()]) {
      const error = await errorOf(decodeImage(path))
      expect(error).toMatchObject({
        code: 'ERR_TORCH_IMAGE',
        operation: 'decodeImage',
        details: { reason: 'unreadable' },
      })
      expect((error as Error).message).toContain(path)
      expect((error as Error).cause).toBeInstanceOf(Error)
    }
  })

  test('by the path or address that was given', async () => {
    for (const path of ['photos/none.jpg', "it's 'quoted'.jpg", "'a.jpg'"]) {
      expect(await errorOf(decodeImage(path))).toMatchObject({ details: { image: path } })
      expect(await errorOf(preprocess([raw(2, 2), path]))).toMatchObject({ details: { image: path } })
    }
    const url = new URL('file:///none/a%20b.jpg')
    expect(await errorOf(decodeImage(url))).toMatchObject({ details: { image: url.href } })
    expect(await errorOf(decodeImage(new Uint8Array(3)))).toMatchObject({ details: { image: 'the image' } })
  })

  test('a long path is shown by its ends, and an error of the system says it no second time', async () => {
    const path = `/none/${'long/'.repeat(100)}a.jpg`
    const shown = `${path.slice(0, 100)}...${path.slice(-100)}`
    expect(await errorOf(decodeImage(path))).toMatchObject({
      message: `Expected an image file but '${shown}' cannot be read: it does not exist (ENOENT)`,
      details: { image: shown },
    })
  })

  test.each([
    ['a data: URL', 'data:image/jpeg;base64,/9j/4AAQ'],
    ['an address', 'https://example.org/a.jpg'],
    ['the URL of an address', new URL('https://example.org/a.jpg')],
    ['a file as base64', readFileSync(image('420.jpg')).toString('base64')],
  ])('%s is no path, which is said in a few words', async (_, input) => {
    const error = await errorOf(preprocess([raw(2, 2), input]))
    expect(error).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT', details: { image: 'image 1' } })
    const { message } = error as Error
    expect(message).toMatch(
      /^Expected the bytes of an image, or the path of a file, which every string is, for image 1 but received /,
    )
    expect(message.length).toBeLessThan(250)
  })

  test('more pixels than allowed', async () => {
    const error = await errorOf(decodeImage(image('420.jpg'), { maxPixels: 97 * 61 - 1 }))
    expect(error).toMatchObject({ details: { reason: 'too large' } })
    ;(await decodeImage(image('420.jpg'), { maxPixels: 97 * 61 })).dispose()
  })
})

describe('bad arguments are refused', () => {
  const hostile = new Proxy(
    {},
    {
      has: () => {
        throw new Error('no')
      },
      getPrototypeOf: () => {
        throw new Error('no')
      },
    },
  )
  const detached = new Uint8Array(8)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'ERR_TORCH_INVALID_ARGUMENT'],
    ['null', null, 'ERR_TORCH_INVALID_ARGUMENT'],
    ['no image', [], 'ERR_TORCH_INVALID_ARGUMENT'],
    ['a number', 5, 'ERR_TORCH_INVALID_ARGUMENT'],
    ['an empty path', '', 'ERR_TORCH_INVALID_ARGUMENT'],
    ['a path with NUL', 'a\0b', 'ERR_TORCH_INVALID_ARGUMENT'],
    ['a URL of the web', new URL('http://localhost/x.jpg'), 'ERR_TORCH_INVALID_ARGUMENT'],
    ['a hostile proxy', hostile, 'ERR_TORCH_INVALID_ARGUMENT'],
    ['a Float32Array', new Float32Array(3), 'ERR_TORCH_INVALID_ARGUMENT'],
    ['a detached buffer', detached, 'ERR_TORCH_INVALID_ARGUMENT'],
    ['a hole in an array', Object.assign(new Array(2), { 1: image('420.jpg') }), 'ERR_TORCH_INVALID_ARGUMENT'],
    ['pixels that are no bytes', { pixels: [1, 2, 3], width: 1, height: 1 }, 'ERR_TORCH_INVALID_ARGUMENT'],
    ['pixels that are too few', { pixels: new Uint8Array(11), width: 2, height: 2 }, 'ERR_TORCH_SHAPE'],
    ['no width', { pixels: new Uint8Array(3), height: 1 }, 'ERR_TORCH_INVALID_ARGUMENT'],
    ['a width of 0', { pixels: new Uint8Array(0), width: 0, height: 1 }, 'ERR_TORCH_INVALID_ARGUMENT'],
    ['a width of 2^31', { pixels: new Uint8Array(3), width: 2 ** 31, height: 2 ** 31 }, 'ERR_TORCH_SHAPE'],
    ['a broken width', { pixels: new Uint8Array(3), width: 1.5, height: 1 }, 'ERR_TORCH_INVALID_ARGUMENT'],
  ])('%s', async (_, input, code) => {
    expect(await errorOf(preprocess(input as ImageInput))).toMatchObject({ code, operation: 'preprocess' })
  })

  test.each<[string, unknown, string]>([
    ['a Set', new Set([image('420.jpg')]), "an array (spread it: '[...images]') for images "],
    ['a generator', (function* () {})(), "an array (spread it: '[...images]') for images "],
    ['a promise', Promise.resolve(image('420.jpg')), "what the promise gives ('await' it) for the image "],
    ['promises', [raw(2, 2), Promise.resolve(raw(2, 2))], "what the promise gives ('await' it) for image 1 "],
  ])('%s, with what makes images of it', async (_, input, text) => {
    const { code, message } = (await errorOf(preprocess(input as ImageInput))) as TorchError
    expect(code).toBe('ERR_TORCH_INVALID_ARGUMENT')
    expect(message).toContain(`Expected ${text}but received `)
  })

  test.each<[unknown, unknown, string]>([
    [{ inputSize: 224 }, {}, 'inputSize'],
    [{ inputSize: [3, 224] }, {}, 'inputSize'],
    [{ inputSize: [3, 224, 1e6] }, {}, 'inputSize'],
    [{ interpolation: 'lanczos' }, {}, "'bilinear' or 'bicubic'"],
    [{ cropPct: 0 }, {}, 'cropPct'],
    [{ cropPct: Number.NaN }, {}, 'cropPct'],
    [{ cropMode: 'middle' }, {}, 'cropMode'],
    [{ mean: [0.5, 0.5] }, {}, 'one or three finite numbers'],
    [{ std: [0.5, 0, 0.5] }, {}, 'other than 0'],
    [{ std: [Number.NaN] }, {}, 'std'],
    [{ crop_pct: 1 }, {}, 'cropPct'],
    [5, {}, 'an object'],
    [{}, { normalise: false }, 'normalize'],
    [{}, { maxPixels: 0 }, 'maxPixels'],
    [{}, { signal: 'now' }, 'an AbortSignal'],
    [{}, { autoOrient: 1 }, 'autoOrient'],
  ])('config %j, options %j', async (config, options, text) => {
    const error = await errorOf(preprocess(raw(2, 2), config as never, options as never))
    expect(error).toMatchObject({ operation: 'preprocess', message: expect.stringContaining(text) })
    expect((error as TorchError).code).toMatch(/ERR_TORCH_(INVALID_ARGUMENT|UNKNOWN_OPTION)/)
  })
})

describe('an AbortSignal', () => {
  test('that is aborted already rejects with its reason', async () => {
    expect(await errorOf(preprocess(raw(2, 2), {}, { signal: AbortSignal.abort('stop') }))).toBe('stop')
  })

  test('rejects at once while images are decoded, and what has not begun never begins', async () => {
    const controller = new AbortController()
    const images = Array.from({ length: 60 }, () => image('large.jpg'))
    const call = errorOf(preprocess(images, {}, { signal: controller.signal }))
    setTimeout(() => controller.abort('stop'), 20)
    expect(await call).toBe('stop')
    const begin = performance.now()
    ;(await preprocess(image('one-pixel.jpg'))).dispose() // behind those that are in a slot
    expect(performance.now() - begin).toBeLessThan(1000) // all 60 would take longer
  })
})

scopedTest('one bad image among many stops the others and leaves nothing behind', async () => {
  const images = Array.from({ length: 30 }, (_, i) => (i === 3 ? Buffer.from('none') : image('422.jpg')))
  expect(await errorOf(preprocess(images))).toMatchObject({ message: expect.stringContaining('image 3') })
})

scopedTest('entries come in the order of their images', async () => {
  const sizes = [
    [200, 30],
    [3, 3],
    [31, 200],
    [64, 64],
  ] as const
  const config = { inputSize: [3, 16, 16] } as const
  const together = await (
    await preprocess(
      sizes.map(([w, h]) => raw(w, h)),
      config,
    )
  ).data('float32')
  for (const [i, [w, h]] of sizes.entries()) {
    const alone = await (await preprocess(raw(w, h), config)).data('float32')
    expect(together.subarray(i * 768, (i + 1) * 768)).toEqual(alone)
  }
})
