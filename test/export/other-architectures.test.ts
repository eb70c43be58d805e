// Models of timm that the package does not ship are exported by the same script: here the smallest that have GELU.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { Module, Tensor } from '../../lib/index.js'
import { ImageClassifier } from '../../lib/models/index.js'
import { type GoldenImages, goldenImages } from '../../scripts/demo/golden-input.mjs'
import { filled } from '../support/filled-weights.js'
import { oraclePython } from '../support/golden-modules.js'
import { expectNoLeaks, inScope } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { repositoryRoot } from '../support/source-files.js'

expectNoLeaks()

const names = ['test_vit', 'test_convnext']
const pythonTimeout = 180_000

interface Expected {
  input: GoldenImages
  logits: number[]
  preLogits: number[]
}

async function python(script: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(oraclePython, ['-B', script, ...args], { cwd: repositoryRoot })
  return stdout
}

/** In parts of the largest value, as for ResNets. */
async function expectNumbers(tensor: Tensor, expected: readonly number[]): Promise<void> {
  expect(tensor.shape).toEqual([1, expected.length])
  const actual = await tensor.data('float32')
  const distance = Math.max(...expected.map((value, i) => Math.abs((actual[i] ?? Number.NaN) - value)))
  expect(distance).toBeLessThanOrEqual(1e-5 * Math.max(...expected.map(Math.abs)))
}

test(
  'a vision transformer and a ConvNeXt of random weights, exported without them, give the numbers of timm',
  inScope(async () => {
    const folder = temporaryFolder()
    const [printed] = await Promise.all([
      python('scripts/golden/timm_logits.py', ...names),
      python('scripts/export/architectures.py', '--out', folder, ...names),
    ])
    const expected: Record<string, Expected> = JSON.parse(printed)
    expect(Object.keys(expected)).toEqual(names)
    for (const [name, { input, logits, preLogits }] of Object.entries(expected)) {
      const file = join(folder, `${name}.pt`)
      expect(readFileSync(file).includes(repositoryRoot), name).toBe(false)
      const program = await Module.load(file, { device: 'meta' })
      const state = await program.stateDict()
      await program.loadStateDict(new Map([...state].map(([key, { shape }]) => [key, filled(key, shape)])))
      const archive = await program.toBytes({ extraFiles: program.extraFiles() })
      for (const optimize of ['none', 'auto'] as const) {
        const model = await ImageClassifier.load(archive, { optimize })
        expect([model.architecture, model.labels?.length]).toEqual([name, 1000])
        const x = Tensor.from(goldenImages(input), input.shape)
        await expectNumbers(await model.forward(x), logits)
        const features = await model.module.call<Tensor>('forward_features', [x])
        await expectNumbers(await model.module.call<Tensor>('forward_head', [features, true]), preLogits)
      }
    }
  }),
  pythonTimeout,
)
