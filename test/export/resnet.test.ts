import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
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
  const { stdout } = await promisify(execFile)(executable, args, { cwd: root })
  return stdout
}

/** Replaces each number by its place, and lists the numbers in order of place. */
function separateNumbers(value: unknown): { numbers: number[]; frame: string } {
  const numbers: number[] = []
  const frame = JSON.stringify(value, (_key, part) => (typeof part === 'number' ? `#${numbers.push(part)}` : part))
  return { numbers, frame }
}

describe('the golden of ResNet18', () => {
  test(
    'equals a fresh run of timm',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'resnet-golden-'))
      try {
        const file = join(folder, 'resnet18.json')
        await python('scripts/golden/resnet.py', '--out', file)
        const fresh = JSON.parse(readFileSync(file, 'utf8'))
        // The machine that wrote the golden may have other kernels.
        for (const metadata of [golden.metadata, fresh.metadata]) {
          expect(metadata.maxDifferenceToFloat64).toBeLessThan(tolerance / 2)
        }
        const withoutMachine = ({
          metadata: { machine, maxDifferenceToFloat64, ...metadata },
          ...rest
        }: typeof golden) => separateNumbers({ metadata, ...rest })
        const [stored, made] = [withoutMachine(golden), withoutMachine(fresh)]
        expect(made.frame).toBe(stored.frame)
        const distances = stored.numbers.map((number, i) => Math.abs(number - (made.numbers[i] ?? Number.NaN)))
        expect(Math.max(...distances)).toBeLessThanOrEqual(tolerance)
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
    pythonTimeout,
  )

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
      const distance = Math.max(...logits.map((logit, i) => Math.abs(logit - (first?.logits[i] ?? Number.NaN))))
      expect(distance).toBeGreaterThan(100 * tolerance)
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
