import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decodeImage } from '../../lib/io/decode-image.js'
import type { ImageInput } from '../../lib/io/image-input.js'
import { preprocess } from '../../lib/io/preprocess.js'
import type { PreprocessConfig, PreprocessOptions } from '../../lib/io/preprocess-config.js'
import { expectNoLeaks } from '../support/handles.js'
import { picture } from '../support/picture.js'
import { repositoryRoot } from '../support/source-files.js'

const golden = (name: string) => join(repositoryRoot, 'test', 'golden', name)
const image = (name: string) => golden(join('images', name))

interface TimmConfig {
  input_size?: [3, number, number]
  interpolation?: 'bilinear' | 'bicubic'
  crop_pct?: number
  crop_mode?: 'center' | 'squash' | 'border'
  mean?: [number, number, number]
  std?: [number, number, number]
}

/** SHA-256 of the bytes; null where timm's transform reduces a side to nothing. */
type Digest = string | null
interface Transformed {
  file: string
  entry: Digest
  tensor: Digest
}

const transforms: {
  versions: Record<string, string>
  images: (Transformed & { shape: number[]; decoded: string; turned: string })[]
  combinations: (Transformed & { config: TimmConfig })[]
  samples: { file: string; config: TimmConfig; entry: number[] }[]
} = JSON.parse(readFileSync(golden('transform.json'), 'utf8'))

type SweepCase = [
  width: number,
  height: number,
  inputHeight: number,
  inputWidth: number,
  cropMode: 'center' | 'squash' | 'border',
  interpolation: 'bilinear' | 'bicubic',
  cropPct: number,
  digest: Digest,
]
const sweep: { plain: number; cases: SweepCase[] } = JSON.parse(readFileSync(golden('resample.json'), 'utf8'))

const toConfig = ({ input_size, interpolation, crop_pct, crop_mode, mean, std }: TimmConfig): PreprocessConfig => ({
  inputSize: input_size,
  interpolation,
  cropPct: crop_pct,
  cropMode: crop_mode,
  mean,
  std,
})

const sha256 = (data: ArrayBufferView) =>
  createHash('sha256')
    .update(data as Uint8Array)
    .digest('hex')

async function digestOf(input: ImageInput, config: PreprocessConfig, options?: PreprocessOptions): Promise<Digest> {
  try {
    const batch = await preprocess(input, config, options)
    const data = await batch.data()
    batch.dispose()
    return sha256(data)
  } catch (error) {
    if ((error as { details?: { reason?: string } }).details?.reason === 'shape') return null
    throw error
  }
}

expectNoLeaks()

test('the goldens come from the versions that are matched', () => {
  expect(transforms.versions).toEqual({ timm: '1.0.31', Pillow: '13.0.0', torch: '2.13.0' })
})

describe('an encoded image', () => {
  test.each(transforms.images.map((golden) => [golden.file, golden] as const))('%s', async (file, golden) => {
    const plain = await decodeImage(image(file))
    expect(plain.shape).toEqual(golden.shape)
    expect(sha256(await plain.data('uint8'))).toBe(golden.decoded)
    const turned = await decodeImage(image(file), { autoOrient: true })
    expect(sha256(await turned.data('uint8'))).toBe(golden.turned)
    plain.dispose()
    turned.dispose()
    const config = { cropPct: 0.95 }
    expect(await digestOf(image(file), config, { normalize: false })).toBe(golden.entry)
    expect(await digestOf(readFileSync(image(file)), config)).toBe(golden.tensor)
  })

  test.each(transforms.combinations.map((golden) => [golden.file, JSON.stringify(golden.config), golden] as const))(
    '%s with %s',
    async (file, _, golden) => {
      const config = toConfig(golden.config)
      expect(await digestOf(image(file), config, { normalize: false })).toBe(golden.entry)
      expect(await digestOf(image(file), config)).toBe(golden.tensor)
    },
  )

  test.each(transforms.samples.map((golden) => [golden.file, golden] as const))(
    '%s, number by number',
    async (file, golden) => {
      const batch = await preprocess(image(file), toConfig(golden.config), { normalize: false })
      expect([...(await batch.data('uint8'))]).toEqual(golden.entry)
      batch.dispose()
    },
  )
})

const cases = process.env.FULL === '1' ? sweep.cases : sweep.cases.slice(0, sweep.plain)

test(`${cases.length} sizes from 1 x 1 to 6000 x 4000 become what Pillow makes of them`, async () => {
  const wrong: unknown[] = []
  for (const [width, height, inputHeight, inputWidth, cropMode, interpolation, cropPct, digest] of cases) {
    const config = { inputSize: [3, inputHeight, inputWidth], cropMode, interpolation, cropPct } as const
    const raw = { pixels: picture(width, height), width, height }
    const actual = await digestOf(raw, config, { normalize: false })
    if ((actual?.slice(0, 16) ?? null) !== digest) wrong.push([width, height, config])
  }
  expect(wrong).toEqual([])
}, 120_000)
