// Folders as timm and others write them, held against what timm makes of them (scripts/golden/saved_models.py).
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { requireBuiltArgs } from '../../lib/models/built-args.js'
import { ImageClassifier, ResNet } from '../../lib/models/index.js'
import type { ArchitectureName } from '../../lib/models/registry.js'
import { goldenImages } from '../../scripts/demo/golden-input.mjs'
import { filledWeights } from '../support/filled-weights.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { expectSample, type Sample } from '../support/resnet-surface.js'
import { efficientnetLite0 } from '../support/sample-photos.js'
import { repositoryRoot } from '../support/source-files.js'
import { failure } from '../support/typed-failure.js'

expectNoLeaks()

interface Folder {
  name: string
  config: Record<string, unknown>
  stored: string
  logits: Sample
  firstLabel: string | null
}

const golden: {
  input: { shape: number[]; seed: number; tile: number }
  folders: Folder[]
  arguments: { architecture: ArchitectureName; same: [string, unknown][]; refused: [string, unknown][] }[]
} = JSON.parse(readFileSync(join(repositoryRoot, 'test', 'golden', 'saved-models.json'), 'utf8'))

const input = () => Tensor.from(goldenImages(golden.input), golden.input.shape)

type State = Map<string, Tensor>
const isFloat = (tensor: Tensor) => tensor.dtype.includes('float')

async function inPrecision(state: State, precisionOf: (index: number) => string): Promise<State> {
  const sorted = [...state].sort(([one], [other]) => (one < other ? -1 : 1))
  const cast = sorted.map(async ([name, tensor], i): Promise<[string, Tensor]> => {
    return [name, isFloat(tensor) ? await tensor.to({ dtype: precisionOf(i) as 'float16' }) : tensor]
  })
  return new Map(await Promise.all(cast))
}

const withoutCounts = (state: State) => new Map([...state].filter(([name]) => !name.endsWith('num_batches_tracked')))

/** As the golden's script stores them. */
async function stored(how: string): Promise<State> {
  const state = await filledWeights('resnet18')
  if (how === 'without num_batches_tracked') return withoutCounts(state)
  const [first = '', other = first] = how.replace(' by turns', '').split(', ')
  return inPrecision(state, (i) => (i % 2 === 0 ? first : other))
}

async function folderOf(config: object, state: State): Promise<string> {
  const folder = temporaryFolder()
  await writeSafetensors(join(folder, 'model.safetensors'), state)
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  return folder
}

const precisions = async (model: ResNet) =>
  new Set([...(await model.program.stateDict()).values()].map(({ dtype }) => dtype))

describe('a folder has the numbers and the labels that timm gives it', () => {
  test.each(golden.folders.map((row) => [row.name, row.stored, row] as const))(
    '%s, %s',
    inScope(async (_name, _stored, row: Folder) => {
      const folder = await folderOf(row.config, await stored(row.stored))
      const model = await ResNet.load(folder, { optimize: 'none' })
      await expectSample(await model.forward(input()), row.logits)
      expect([...(await precisions(model))].sort()).toEqual(['float32', 'int64'])
      // ImageNet's own where nothing else is said
      expect(model.labels?.[0]?.names[0]).toBe(row.firstLabel ?? 'tench')
    }),
  )

  scopedTest('and runs optimized, and with another head, whatever its weights are stored in', async () => {
    const half = golden.folders.find((row) => row.stored === 'float16') as Folder
    const model = await ResNet.load(await folderOf(half.config, await stored('float16')))
    await expectSample(await model.forward(input()), half.logits)
    const changed = await model.resetClassifier(3, { seed: 1 })
    expect((await changed.forward(input())).shape).toEqual([1, 3])
  })
})

describe('weights by name', () => {
  const rowOf = (how: string) => golden.folders.find((row) => row.stored === how) as Folder

  test.each(golden.folders.flatMap((row) => (row.name === 'plain' ? [row.stored] : [])))(
    'are taken as timm takes them: %s',
    inScope(async (how: string) => {
      const weights = await stored(how)
      const model = await ResNet.load({ architecture: 'resnet18', weights }, { optimize: 'none' })
      await expectSample(await model.forward(input()), rowOf(how).logits)
      const other = await ResNet.load({ architecture: 'resnet18', random: 1 }, { optimize: 'none' })
      const changed = await other.loadStateDict(weights)
      await expectSample(await changed.forward(input()), rowOf(how).logits)
      expect([...(await precisions(changed))].sort()).toEqual(['float32', 'int64'])
      expect([...weights.values()].some(({ disposed }) => disposed)).toBe(false)
    }),
  )

  scopedTest('without counts of batches begin at 0 in a new model, and keep those that a model has', async () => {
    const weights = withoutCounts(await filledWeights('resnet18'))
    const model = await ResNet.load({ architecture: 'resnet18', weights }, { optimize: 'none' })
    const count = async (own: ResNet) =>
      Number((await ((await own.stateDict()).get('bn1.num_batches_tracked') as Tensor).data())[0])
    expect(await count(model)).toBe(0)
    const counted = await model.loadStateDict(await filledWeights('resnet18'))
    const before = await count(counted)
    expect(before).toBeGreaterThan(0)
    expect(await count(await counted.loadStateDict(weights))).toBe(before)
  })

  scopedTest('of another kind are named, and so is a norm without its statistics', async () => {
    const weights = new Map(await filledWeights('resnet18'))
    weights.set('fc.bias', await (weights.get('fc.bias') as Tensor).to({ dtype: 'int32' }))
    weights.delete('bn1.running_mean')
    weights.delete('bn1.num_batches_tracked')
    const { code, message } = await failure(ResNet.load({ architecture: 'resnet18', weights }))
    expect(code).toBe('ERR_TORCH_STATE_DICT')
    expect(message).toContain('missing: bn1.num_batches_tracked, bn1.running_mean')
    expect(message).toContain('fc.bias (float32 [1000], not int32 [1000])')
  })
})

describe.each(golden.arguments)('model_args of $architecture', ({ architecture, same, refused }) => {
  test.each(same)('may say %s: %j, as timm builds it anyway', (name, value) => {
    expect(() => requireBuiltArgs({ [name]: value, num_classes: 4 }, architecture, 'config.json')).not.toThrow()
  })

  test.each(refused)('that say %s: %j are refused by name', (name, value) => {
    const expected = {
      code: 'ERR_TORCH_FILE_FORMAT',
      message: expect.stringContaining(`model_args.${name} in config.json`),
    }
    expect(() => requireBuiltArgs({ num_classes: 4, [name]: value }, architecture, 'config.json')).toThrow(
      expect.objectContaining(expected),
    )
  })
})

test('model_args of an architecture with a line in the registry alone are refused by name, but for those of load', () => {
  const lineAlone = 'vit_tiny_patch16_224' as ArchitectureName
  const check = (args: object) => () => requireBuiltArgs({ ...args }, lineAlone, 'config.json')
  expect(check({ num_classes: 4, global_pool: 'avg', img_size: null })).not.toThrow()
  for (const name of ['act_layer', 'toString']) {
    const message = `Expected nothing, because the program is not known to be built with it, for model_args.${name} in config.json but received 'gelu'`
    expect(check({ num_classes: 4, [name]: 'gelu' })).toThrow(
      expect.objectContaining({ code: 'ERR_TORCH_FILE_FORMAT', message }),
    )
  }
})

test('a folder whose program would be another one is refused before its weights are read', () =>
  scope(async () => {
    const { config } = golden.folders[0] as Folder
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'model.safetensors'), 'nobody has read it')
    const write = (changes: object) =>
      writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, ...changes }))
    write({ model_args: { act_layer: 'silu' } })
    const { code, message } = await failure(ResNet.load(folder))
    expect(code).toBe('ERR_TORCH_FILE_FORMAT')
    expect(message).toBe(
      `Expected 'relu', which the program was built with, for model_args.act_layer in ${join(folder, 'config.json')} but received 'silu'`,
    )
    write({ model_args: ['act_layer'] })
    await expect(ResNet.load(folder)).rejects.toMatchObject({ code: 'ERR_TORCH_FILE_FORMAT' })
    const efficientnet = JSON.parse(readFileSync(join(efficientnetLite0.weights, 'config.json'), 'utf8'))
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...efficientnet, model_args: { drop_rate: 0.2 } }))
    await expect(ImageClassifier.load(folder)).rejects.toThrow('dropRate')
  }))
