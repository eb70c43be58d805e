import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Module, memory, ops, scope, Tensor } from '../../lib/index.js'

const root = join(import.meta.dirname, '..', '..')
const photoFolder = join(root, 'assets', 'photos')
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8')
const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex')

// Scripts are JavaScript without declarations: an address that the compiler cannot follow gives them type any.
const { sampleModels } = await import(new URL('../../scripts/setup/sample-models.mjs', import.meta.url).href)
const { efficientnetLite0: files, resnet18: resnetFiles } = sampleModels(root)
const weightsFile = join(files.weights, 'model.safetensors')

interface Classified {
  inputSha256: string
  top: { index: number; wordnetId: string; label: string; probability: number }[]
  logits: number[]
}

interface Golden {
  metadata: { timm: string; machine: unknown }
  photos: Record<string, string>
  models: Record<
    'tf_efficientnet_lite0' | 'resnet18',
    { weights: { sha256?: string }; maxDifferenceToFloat64: number; photos: Record<string, Classified> }
  >
}

const golden: Golden = JSON.parse(read('test', 'golden', 'classify.json'))
const names = Object.keys(golden.photos)
const efficientnet = golden.models.tf_efficientnet_lite0
const pythonTimeout = 180_000

/** Of one photograph's logits, absolute: float32 noise grows with the largest of them, about 1e-6 of it here. */
const toleranceOf = (logits: readonly number[]) => 1e-5 * Math.max(...logits.map(Math.abs))

/** A length of 0 or a NaN is no agreement. */
function maximumDistance(actual: readonly number[], expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length)
  return Math.max(...expected.map((number, i) => Math.abs(number - (actual[i] ?? Number.NaN))))
}

async function python(...args: string[]): Promise<void> {
  const executable = process.env.ORACLE_PYTHON
  if (executable === undefined)
    throw new Error('Expected a Python for ORACLE_PYTHON but received nothing: run npm test')
  await promisify(execFile)(executable, ['-B', ...args], { cwd: root })
}

let folder: string
let fresh: Golden
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'classify-golden-'))
  const out = join(folder, 'classify.json')
  await python('scripts/golden/classify.py', '--weights', weightsFile, '--out', out, '--inputs', folder)
  fresh = JSON.parse(readFileSync(out, 'utf8'))
}, pythonTimeout)
afterAll(() => rmSync(folder, { recursive: true }))

/** float32 [3,224,224]: what timm's transform makes of a photograph for EfficientNet-Lite0 */
function inputOf(name: string): Float32Array<ArrayBuffer> {
  const bytes = readFileSync(join(folder, `tf_efficientnet_lite0.${name}.f32`))
  expect(sha256(bytes)).toBe(efficientnet.photos[name]?.inputSha256)
  return new Float32Array(new Uint8Array(bytes).buffer)
}

describe('the photographs', () => {
  test('are those that the golden was made of, all of them, and small', () => {
    const images = readdirSync(photoFolder).filter((name) => name !== 'ATTRIBUTION.md')
    expect(images.sort()).toEqual(names)
    for (const name of names) expect(sha256(readFileSync(join(photoFolder, name))), name).toBe(golden.photos[name])
    expect(images.reduce((sum, name) => sum + statSync(join(photoFolder, name)).size, 0)).toBeLessThan(2e6)
  })

  test('have an author and a licence each', () => {
    const rows = read('assets', 'photos', 'ATTRIBUTION.md').split('\n')
    for (const name of names) {
      const cells = rows.find((row) => row.startsWith(`| \`${name}\` |`))?.split('|') ?? []
      expect(cells.slice(1, -1).map((cell) => cell.trim())).toHaveLength(5)
      expect(cells[5], name).toMatch(/CC0 1\.0|CC BY 2\.0|public domain/)
    }
  })
})

describe('the labels of ImageNet', () => {
  const classes: { wordnetId: string; names: string[] }[] = JSON.parse(read('data', 'imagenet-1k.json'))

  test(
    'equal those of timm',
    async () => {
      const file = join(folder, 'imagenet-1k.json')
      await python('scripts/generate/imagenet_labels.py', '--out', file)
      expect(read('data', 'imagenet-1k.json')).toBe(readFileSync(file, 'utf8'))
    },
    pythonTimeout,
  )

  test('are a thousand different synsets', () => {
    expect(new Set(classes.map(({ wordnetId }) => wordnetId)).size).toBe(1000)
  })

  test('are those of the golden', () => {
    for (const { index, wordnetId, label } of Object.values(efficientnet.photos).flatMap(({ top }) => top)) {
      expect(classes[index]).toEqual({ wordnetId, names: label.split(', ') })
    }
  })
})

describe('the golden of the photographs', () => {
  test('equals a fresh run of timm', () => {
    const { machine: _stored, ...metadata } = golden.metadata
    expect(fresh.metadata).toMatchObject(metadata)
    expect(fresh.photos).toEqual(golden.photos)
    for (const model of ['tf_efficientnet_lite0', 'resnet18'] as const) {
      const { photos, maxDifferenceToFloat64, ...rest } = golden.models[model]
      expect(fresh.models[model]).toMatchObject(rest)
      for (const [name, { logits, top, inputSha256 }] of Object.entries(photos)) {
        const made = fresh.models[model].photos[name]
        expect(made?.inputSha256, name).toBe(inputSha256)
        expect(maximumDistance(made?.logits ?? [], logits), name).toBeLessThanOrEqual(toleranceOf(logits))
        // The machine that wrote the golden may have other kernels.
        expect(maxDifferenceToFloat64, name).toBeLessThan(toleranceOf(logits) / 2)
        expect(fresh.models[model].maxDifferenceToFloat64, name).toBeLessThan(toleranceOf(logits) / 2)
        expect(made?.top.map(({ index }) => index)).toEqual(top.map(({ index }) => index))
      }
    }
  })

  test('tells the photographs apart by more than a hundred times the tolerance', () => {
    for (const { photos } of Object.values(golden.models)) {
      for (const [i, name] of names.entries()) {
        const logits = photos[name]?.logits ?? []
        for (const other of names.slice(i + 1)) {
          expect(maximumDistance(logits, photos[other]?.logits ?? [])).toBeGreaterThan(100 * toleranceOf(logits))
        }
      }
    }
  })

  test('sees an espresso in the coffee and a cat in the cat', () => {
    expect(efficientnet.photos['coffee.png']?.top[0]).toMatchObject({ label: 'espresso', wordnetId: 'n07920052' })
    expect(efficientnet.photos['chelsea.png']?.top.slice(0, 3).map(({ label }) => label)).toEqual([
      'tiger cat',
      'Egyptian cat',
      'tabby, tabby cat',
    ])
  })

  test('was made with the weights that lie in the cache', () => {
    expect(efficientnet.weights).toEqual({ sha256: sha256(readFileSync(weightsFile)) })
  })
})

describe('the exported EfficientNet-Lite0 in Node', () => {
  let module: Module
  const before = { tensors: 0, modules: 0 }
  beforeAll(async () => {
    const { tensors, modules } = memory()
    Object.assign(before, { tensors, modules })
    module = await Module.load(files.full)
  })
  afterAll(() => {
    module.dispose()
    expect(memory()).toMatchObject(before)
  })

  const numbersOf = async (tensor: Tensor) => Array.from(await tensor.data(), Number)

  test("gives timm's logits and probabilities for each photograph", () =>
    scope(async () => {
      for (const name of names) {
        const { logits, top } = efficientnet.photos[name] as Classified
        const output = (await module.forward(Tensor.from(inputOf(name), [1, 3, 224, 224]))) as Tensor
        expect(maximumDistance(await numbersOf(output), logits), name).toBeLessThanOrEqual(toleranceOf(logits))
        const probabilities = await numbersOf(await ops.softmax(output, -1))
        const expected = top.map(({ probability }) => probability)
        const actual = top.map(({ index }) => probabilities[index] ?? Number.NaN)
        expect(maximumDistance(actual, expected), name).toBeLessThanOrEqual(1e-4)
      }
    }))

  test('gives the same for all photographs in one batch, by way of its features', () =>
    scope(async () => {
      const pixels = new Float32Array(names.length * 3 * 224 * 224)
      for (const [i, name] of names.entries()) pixels.set(inputOf(name), i * 3 * 224 * 224)
      const images = Tensor.from(pixels, [names.length, 3, 224, 224])
      const features = (await module.call('forward_features', [images])) as Tensor
      expect(features.shape).toEqual([names.length, 1280, 7, 7])
      const numbers = await numbersOf((await module.call('forward_head', [features, false])) as Tensor)
      for (const [i, name] of names.entries()) {
        const logits = efficientnet.photos[name]?.logits ?? []
        const row = numbers.slice(i * 1000, (i + 1) * 1000)
        expect(maximumDistance(row, logits), name).toBeLessThanOrEqual(toleranceOf(logits))
      }
    }))

  test('says what it was made from', () => {
    const metadata = JSON.parse(module.extraFiles()['metadata.json'] ?? '')
    expect(metadata).toMatchObject({ architecture: 'tf_efficientnet_lite0', timm: golden.metadata.timm })
    expect(metadata.weights).toEqual({ file: 'model.safetensors', ...efficientnet.weights })
    expect(metadata.pretrained_cfg).toMatchObject({ mean: [0.5, 0.5, 0.5], crop_pct: 0.875 })
  })
})

describe.each([
  ['EfficientNet-Lite0', files, 200_000],
  ['ResNet18', resnetFiles, 100_000],
])('the weightless archive of %s', (_, { full, weightless }, size) => {
  test('is small and holds no path of the machine that made it', () => {
    const content = readFileSync(weightless)
    expect(content.length).toBeLessThan(size)
    expect(content.includes(root)).toBe(false)
    expect(content.includes('debug_pkl')).toBe(false)
  })

  test('has the methods, names, shapes and dtypes of the full one, and zeros only', () =>
    scope(async () => {
      const [small, large] = await Promise.all([Module.load(weightless), Module.load(full)])
      expect(small.methods()).toEqual(large.methods())
      const kinds = (tensors: Map<string, Tensor>) =>
        [...tensors].map(([name, { shape, dtype }]) => ({ name, shape, dtype }))
      for (const list of ['parameters', 'buffers'] as const) {
        const tensors = await small[list]()
        expect(kinds(tensors)).toEqual(kinds(await large[list]()))
        for (const tensor of tensors.values())
          expect(Number((await (await ops.countNonzero(tensor)).data())[0])).toBe(0)
      }
      small.dispose()
      large.dispose()
    }))
})
