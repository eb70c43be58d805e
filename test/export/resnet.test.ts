import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Module, memory, scope, Tensor } from '../../lib/index.js'
import { goldenImages } from '../../scripts/demo/golden-input.mjs'

const root = join(import.meta.dirname, '..', '..')
const archive = join(root, '.artifacts', 'resnet18.pt')
const goldenFile = join(root, 'test', 'golden', 'resnet18.json')
const golden = JSON.parse(readFileSync(goldenFile, 'utf8'))

/**
 * Absolute. Thread counts, SSE4.1, AVX2 and AVX-512 kernels, channels-last: eleven such runs lay within 2.7e-6 of each
 * other on logits of up to 6.
 */
const tolerance = 1e-5
const pythonTimeout = 180_000

async function python(...args: string[]): Promise<string> {
  const executable = process.env.ORACLE_PYTHON
  if (executable === undefined)
    throw new Error('Expected a Python for ORACLE_PYTHON but received nothing: run npm test')
  const { stdout } = await promisify(execFile)(executable, ['-B', ...args], { cwd: root })
  return stdout
}

interface Sample {
  shape: number[]
  /** into the row-major order */
  positions: number[]
  values: number[]
}

/** A length of 0 or a NaN is no agreement. */
function maximumDistance(actual: readonly number[], expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length)
  const distances = expected.map((number, i) => Math.abs(number - (actual[i] ?? Number.NaN)))
  return Math.max(...distances)
}

interface Compared {
  number: number
  /** The largest of the list that it is in: what other kernels move is relative to that. 0 where it is a count. */
  scale: number
}

function scaleOf(numbers: number[]): number {
  return numbers.every(Number.isInteger) ? 0 : Math.max(1, ...numbers.map(Math.abs))
}

/** Replaces each number by its place, and lists the numbers in order of place. */
function separateNumbers(value: unknown): { numbers: Compared[]; frame: string } {
  const numbers: Compared[] = []
  const frame = JSON.stringify(value, function (this: unknown, _key, part) {
    if (typeof part !== 'number') return part
    const list = Array.isArray(this) ? this.filter((entry) => typeof entry === 'number') : [part]
    return `#${numbers.push({ number: part, scale: scaleOf(list) })}`
  })
  return { numbers, frame }
}

/** A fresh golden of the script and the stored one: the same but for what other kernels move. */
async function expectFresh(script: string, stored: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'resnet-golden-'))
  try {
    const file = join(folder, 'golden.json')
    await python(script, '--out', file)
    const [golden, fresh] = [stored, file].map((path) => JSON.parse(readFileSync(path, 'utf8')))
    // The machine that wrote the golden may have other kernels.
    const withoutMachine = ({
      metadata: { machine, maxDifferenceToFloat64 = 0, ...metadata },
      ...rest
    }: typeof golden) => {
      expect(maxDifferenceToFloat64).toBeLessThan(tolerance / 2)
      return separateNumbers({ metadata, ...rest })
    }
    const [kept, made] = [withoutMachine(golden), withoutMachine(fresh)]
    expect(made.frame).toBe(kept.frame)
    expect(made.numbers.length).toBe(kept.numbers.length)
    for (const [i, { number, scale }] of kept.numbers.entries()) {
      const distance = Math.abs(number - (made.numbers[i]?.number ?? Number.NaN))
      expect(distance).toBeLessThanOrEqual(tolerance * scale)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('the golden of every verb', () => {
  test(
    'equals a fresh run of timm',
    () => expectFresh('scripts/golden/resnet_surface.py', join(root, 'test', 'golden', 'resnet-surface.json')),
    pythonTimeout,
  )
})

describe('the golden of ResNet18', () => {
  test('equals a fresh run of timm', () => expectFresh('scripts/golden/resnet.py', goldenFile), pythonTimeout)

  test('has logits that spread', () => {
    const logits: number[] = golden.logits
    const mean = logits.reduce((sum, logit) => sum + logit, 0) / logits.length
    const variance = logits.reduce((sum, logit) => sum + (logit - mean) ** 2, 0) / logits.length
    expect(logits).toHaveLength(1000)
    expect(Math.sqrt(variance)).toBeGreaterThanOrEqual(1)
    for (const image of golden.batch) expect(image.deviation).toBeGreaterThanOrEqual(1)
  })

  test('tells its images apart by more than a hundred times the tolerance', () => {
    const [first, ...others]: { logits: number[] }[] = golden.batch
    for (const { logits } of others) {
      expect(maximumDistance(logits, first?.logits ?? [])).toBeGreaterThan(100 * tolerance)
    }
  })

  test('has images that JavaScript makes to the bit', () => {
    const images = new Uint8Array(goldenImages(golden.input).buffer)
    expect(createHash('sha256').update(images).digest('hex')).toBe(golden.input.sha256)
  })
})

describe('the exported ResNet18', () => {
  test(
    'changes its logits by more than ten times the tolerance when any one tensor grows by an eighth',
    async () => {
      const changes: Record<'parameters' | 'buffers', Record<string, number>> = JSON.parse(
        await python('scripts/golden/resnet_sensitivity.py', archive),
      )
      expect(Object.keys(changes.parameters)).toHaveLength(62)
      expect(Object.keys(changes.buffers)).toHaveLength(40) // running means and variances
      for (const [name, change] of Object.entries({ ...changes.parameters, ...changes.buffers })) {
        expect(change, name).toBeGreaterThan(10 * tolerance)
      }
    },
    pythonTimeout,
  )
})

describe('the exported ResNet18 in Node', () => {
  let module: Module
  const before = { tensors: 0, modules: 0 }
  beforeAll(async () => {
    const { tensors, modules } = memory()
    Object.assign(before, { tensors, modules })
    module = await Module.load(archive)
  })
  afterAll(() => {
    module.dispose()
    expect(memory()).toMatchObject(before)
  })

  async function numbersOf(tensor: Tensor): Promise<number[]> {
    return Array.from(await tensor.data(), Number)
  }

  async function expectSample(tensor: Tensor, expected: Sample): Promise<void> {
    expect(tensor.shape).toEqual(expected.shape)
    const numbers = await numbersOf(tensor)
    const sampled = expected.positions.map((position) => numbers[position] ?? Number.NaN)
    expect(maximumDistance(sampled, expected.values)).toBeLessThanOrEqual(tolerance)
  }

  const firstImage = () => Tensor.from(goldenImages(golden.input, 1), [1, ...golden.input.shape.slice(1)])

  test("gives timm's logits for one image", () =>
    scope(async () => {
      const logits = (await module.forward(firstImage())) as Tensor
      expect(logits.shape).toEqual([1, 1000])
      expect(maximumDistance(await numbersOf(logits), golden.logits)).toBeLessThanOrEqual(tolerance)
    }))

  test("gives timm's logits for each image of a batch", () =>
    scope(async () => {
      const images = Tensor.from(goldenImages(golden.input), golden.input.shape)
      const logits = (await module.forward(images)) as Tensor
      expect(logits.shape).toEqual([8, 1000])
      const numbers = await numbersOf(logits)
      for (const [image, { logits: expected, mean }] of golden.batch.entries()) {
        const row = numbers.slice(image * 1000, (image + 1) * 1000)
        expect(maximumDistance(row.slice(0, expected.length), expected)).toBeLessThanOrEqual(tolerance)
        expect(Math.abs(row.reduce((sum, logit) => sum + logit, 0) / row.length - mean)).toBeLessThanOrEqual(tolerance)
      }
    }))

  test("gives timm's features, intermediates and pre-logits", () =>
    scope(async () => {
      const [last, all] = (await module.call('forward_intermediates', [firstImage()])) as [Tensor, Tensor[]]
      await expectSample(last, golden.features)
      expect(all).toHaveLength(golden.intermediates.length)
      for (const [stage, tensor] of all.entries()) await expectSample(tensor, golden.intermediates[stage])
      await expectSample((await module.call('forward_features', [firstImage()])) as Tensor, golden.features)
      await expectSample((await module.call('forward_head', [last, true])) as Tensor, golden.preLogits)
    }))

  test('selects intermediates from the end, and stops early', () =>
    scope(async () => {
      const [last, some] = (await module.call('forward_intermediates', [firstImage(), [1, -3], true])) as [
        Tensor,
        Tensor[],
      ]
      await expectSample(last, golden.intermediates[2])
      expect(some.map((tensor) => tensor.shape[1])).toEqual([64, 128])
    }))

  test('refuses an intermediate that is not there', () =>
    scope(async () => {
      await expect(module.call('forward_intermediates', [firstImage(), [5]])).rejects.toMatchObject({
        code: 'ERR_TORCH_MODULE_RUN',
        message: expect.stringContaining('feature index 5 is out of range (0 to 4)'),
      })
    }))

  test('says what it was made from', () => {
    const metadata = JSON.parse(module.extraFiles()['metadata.json'] ?? '')
    expect(metadata).toMatchObject({ architecture: 'resnet18', timm: golden.metadata.timm })
    expect(metadata.pretrained_cfg).toMatchObject({ mean: [0.485, 0.456, 0.406], interpolation: 'bicubic' })
    expect(metadata.weights).toEqual({ rule: golden.metadata.weights })
  })
})
