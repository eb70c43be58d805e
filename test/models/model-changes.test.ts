// Models made of others: what they share, what they leave as it is, and what is refused.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Module } from '../../lib/core/module.js'
import { operators } from '../../lib/core/operators.js'
import { keep, scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { ImageClassifier, ImageModel, type ModelArgs, ResNet } from '../../lib/models/index.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { efficientnetLite0, photos, resnet18 } from '../support/sample-photos.js'

expectNoLeaks()

let base: ResNet
beforeAll(async () => {
  base = keep(await ResNet.load({ architecture: 'resnet18', random: 5 }, { optimize: 'none' }))
})
afterAll(() => base.dispose())

const image = () => operators.ones([1, 3, 64, 64])
const values = async (tensor: Tensor | undefined) => Array.from(await (tensor as Tensor).data(), Number)
const photo = photos[0] as string

/** A folder as timm's save_for_hf leaves it. */
async function savedModel(model: ResNet, config: object): Promise<string> {
  const folder = temporaryFolder()
  await writeSafetensors(join(folder, 'model.safetensors'), await model.stateDict())
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ architecture: 'resnet18', ...config }))
  return folder
}

/** The same model, from a folder. */
const reloaded = async (model: ResNet) =>
  ImageClassifier.load(await savedModel(model, { num_classes: 0, pretrained_cfg: { num_classes: 0 } }))

describe('a changed model', () => {
  scopedTest('shares the body and has a classifier of its own; the first one stays as it is', async () => {
    const before = await values(await base.forward(await image()))
    const changed = await base.resetClassifier(3, { seed: 1, labels: ['a', 'b', 'c'] })
    expect(changed).toBeInstanceOf(ResNet)
    const [own, other] = [await base.program.parameters(), await changed.program.parameters()]
    await operators.zero_(other.get('fc.weight') as Tensor)
    expect(await values(await base.forward(await image()))).toEqual(before)
    const stem = other.get('bn1.bias') as Tensor
    await operators.add_(stem, 1)
    expect(await values(own.get('bn1.bias'))).toEqual(await values(stem))
    await operators.sub_(stem, 1)
    expect([base.numClasses, base.labels?.length, changed.numClasses]).toEqual([1000, 1000, 3])
    expect(
      (await changed.classify(photo))
        .flat()
        .map(({ label }) => label)
        .sort(),
    ).toEqual(['a', 'b', 'c'])
  })

  scopedTest('may name some of its classes by index, and without classes still embeds', async () => {
    const some = await base.resetClassifier(3, { labels: { 1: 'b' } })
    expect(some.labels?.map(({ names }) => names[0])).toEqual(['class 0', 'b'])
    const [predictions] = await some.classify(photo)
    expect(predictions?.map(({ label }) => label).sort()).toEqual(['b', 'class 0', 'class 2'])
    expect(await (await base.resetClassifier(0)).embed(photo)).toEqual(await base.embed(photo))
  })

  scopedTest('outlives the one that it was made from', async () => {
    const first = await ResNet.load({ architecture: 'resnet18', random: 6 })
    const second = await first.resetClassifier(2)
    first.dispose()
    expect((await second.forward(await image())).shape).toEqual([1, 2])
    expect([first.disposed, second.disposed]).toEqual([true, false])
  })

  scopedTest('has its own mode and gradients', async () => {
    const frozen = await base.freeze(['layer?.0', /^fc\./], { batchNorm: false })
    await frozen.program.train()
    expect([base.program.training, frozen.program.training]).toEqual([false, true])
    const gradients = async (model: ResNet) =>
      [...(await model.program.parameters())].filter(([, { requiresGrad }]) => requiresGrad).map(([name]) => name)
    expect(await gradients(base)).toHaveLength(62)
    const trainable = await gradients(frozen)
    expect(trainable).toContain('layer1.1.conv1.weight')
    expect(trainable.filter((name) => /^layer\d\.0|^fc/.test(name))).toEqual([])
    expect((await frozen.program.submodule('layer1.0.bn1')).training).toBe(true)
    const again = await frozen.unfreeze(['fc'])
    expect(await gradients(again)).toEqual([...trainable, 'fc.weight', 'fc.bias'])
    expect(await gradients(await frozen.freeze())).toEqual([])
    await frozen.program.eval()
  })

  scopedTest('drops features in training only', async () => {
    const model = await base.resetClassifier(50, { dropRate: 0.5, seed: 1 })
    const x = await image()
    const draws = async () => values(await model.forwardHead(await base.forwardFeatures(x)))
    expect(await draws()).toEqual(await draws())
    await model.program.train()
    expect(await draws()).not.toEqual(await draws())
    const pooled = await values(await model.forwardHead(await base.forwardFeatures(x), { preLogits: true }))
    const dropped = pooled.filter((value) => value === 0).length / pooled.length
    expect(dropped).toBeGreaterThan(0.35)
    expect(dropped).toBeLessThan(0.65)
  })

  /** What a head that trains makes of features that are all 1: 0, and 1 / (1 - dropRate) for those that are left. */
  async function dropsTo(model: ResNet): Promise<number[]> {
    await model.program.train()
    const dropped = await model.forwardHead(await operators.ones([4, 512, 2, 2]), { preLogits: true })
    return [...new Set(await values(dropped))].sort((a, b) => a - b)
  }

  const plain = { architecture: 'resnet18', random: 1 } as const
  const none = { optimize: 'none' } as const

  test.each<[string, () => Promise<ResNet>, number[]]>([
    ['nobody named: none', () => ResNet.load(plain, none), [1]],
    ['load was given', () => ResNet.load(plain, { ...none, dropRate: 0.75 }), [0, 4]],
    [
      'load was given beside classes',
      () => ResNet.load(plain, { ...none, dropRate: 0.75, numClasses: 2, seed: 1 }),
      [0, 4],
    ],
    ['its source names', () => ResNet.load({ ...plain, dropRate: 0.75 }, none), [0, 4]],
    [
      'its source names, beside classes of load',
      () => ResNet.load({ ...plain, dropRate: 0.75 }, { ...none, numClasses: 2, seed: 1 }),
      [0, 4],
    ],
    [
      'load was given in place of that of its source',
      () => ResNet.load({ ...plain, dropRate: 0.75 }, { ...none, dropRate: 0.5 }),
      [0, 2],
    ],
    [
      'load was given in place of that of its source: 0',
      () => ResNet.load({ ...plain, dropRate: 0.75 }, { ...none, dropRate: 0 }),
      [1],
    ],
    [
      'its config.json names',
      async () => ResNet.load(await savedModel(base, { model_args: { drop_rate: 0.75 } }), none),
      [0, 4],
    ],
    [
      'it had before it got other classes',
      async () => (await ResNet.load(plain, { ...none, dropRate: 0.75 })).resetClassifier(2, { seed: 1 }),
      [0, 4],
    ],
  ])(
    'drops at the rate that %s',
    inScope(async (_, load, expected) => {
      expect(await dropsTo(await load())).toEqual(expected)
    }),
  )

  scopedTest('of one that trains has new parts that train', async () => {
    const body = await base.resetClassifier(3, { seed: 1 })
    await body.program.train()
    const drop = 'def forward(self, x: Tensor):\n    return torch.dropout(torch.ones([64]), 0.5, self.training)\n'
    const headed = await body.withHead({ source: drop })
    const zeros = async () => (await values(await headed.forward(await image()))).filter((value) => value === 0).length
    expect(await zeros()).toBeGreaterThan(10)
    await headed.program.eval()
    expect(await zeros()).toBe(0)
    for (const part of ['global_pool', 'fc']) {
      expect((await (await body.resetClassifier(2, { seed: 1 })).program.submodule(part)).training).toBe(true)
    }
  })

  scopedTest('takes tensors by name, or says all that does not fit', async () => {
    const state = new Map(await base.stateDict())
    const zeros = await operators.zeros([1000])
    const changed = await base.loadStateDict(new Map(state).set('fc.bias', zeros))
    expect(await values((await changed.stateDict()).get('fc.bias'))).toEqual(await values(zeros))
    expect((await changed.stateDict()).size).toBe(122)
    state.delete('bn1.weight')
    state.set('surplus', zeros).set('fc.bias', await operators.zeros([7]))
    const wrongType = (await zeros.to({ dtype: 'int64' })) as Tensor
    const refused = base.loadStateDict(state.set('layer1.0.bn1.bias', await operators.narrow(wrongType, 0, 0, 64)))
    await expect(refused).rejects.toMatchObject({ code: 'ERR_TORCH_STATE_DICT' })
    for (const part of [
      'missing: bn1.weight',
      'unexpected: surplus',
      'fc.bias (float32 [1000], not float32 [7])',
      'layer1.0.bn1.bias (float32 [64], not int64 [64])',
    ]) {
      await expect(refused).rejects.toThrow(part)
    }
  })

  scopedTest('is saved by its program and read again with its form', async () => {
    const headless = await base.resetClassifier(6, { globalPool: 'catavgmax', seed: 3 })
    const expected = await values(await headless.forward(await image()))
    const again = await Module.load(await headless.program.toBytes())
    expect(await values((await again.forward(await image())) as Tensor)).toEqual(expected)
  })
})

describe('a repository’s own config.json', () => {
  scopedTest('says classes, pool, labels and preprocessing', async () => {
    const trained = await base.resetClassifier(4, { globalPool: 'avgmax', seed: 2 })
    const pretrained_cfg = { input_size: [3, 128, 128], crop_pct: 1, mean: [0.5], std: [0.5] }
    const label_names = ['ash', 'birch', 'cedar', 'date']
    const model_args = { global_pool: 'avgmax' }
    const folder = await savedModel(trained, { num_classes: 4, model_args, label_names, pretrained_cfg })
    for (const optimize of ['none', 'auto'] as const) {
      const model = await ResNet.load(folder, { optimize })
      expect([model.numClasses, model.labels?.map(({ names }) => names[0])]).toEqual([4, label_names])
      const pixels = await model.preprocess(photo)
      expect(pixels.shape).toEqual([1, 3, 128, 128])
      const [expected, actual] = await Promise.all(
        [trained, model].map(async (own) => values(await own.forward(pixels))),
      )
      for (const [i, logit] of (expected as number[]).entries()) expect(actual?.[i]).toBeCloseTo(logit, 4)
    }
    const fewer = await ResNet.load(folder, { numClasses: 2, seed: 1 })
    expect([fewer.numClasses, fewer.labels]).toEqual([2, undefined])
    await expect(
      ImageClassifier.load(folder).then((model) => model.classify(photo, { topK: 1 })),
    ).resolves.toHaveLength(1)
  })

  scopedTest('says channels and output stride', async () => {
    const grey = await ResNet.load(
      { architecture: 'resnet18', random: 1, inChans: 1, numClasses: 0 },
      { optimize: 'none' },
    )
    const model_args = { in_chans: 1, output_stride: 16, num_classes: 0 }
    const folder = await savedModel(grey, {
      num_classes: 1000,
      model_args,
      pretrained_cfg: { input_size: [1, 64, 64] },
    })
    const model = await ResNet.load(folder)
    const x = await operators.ones([1, 1, 64, 64])
    expect((await model.forwardFeatures(x)).shape).toEqual([1, 512, 4, 4])
    expect((await model.forward(x)).shape).toEqual([1, 512])
    await expect(model.embed(photo)).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
    expect((await (await ResNet.load(folder, { outputStride: 32 })).forwardFeatures(x)).shape).toEqual([1, 512, 2, 2])
  })

  test('that does not fit its weights is refused with the names', () =>
    scope(async () => {
      const folder = await savedModel(base, { num_classes: 12 })
      await expect(ResNet.load(folder)).rejects.toMatchObject({
        code: 'ERR_TORCH_STATE_DICT',
        message: expect.stringContaining('fc.weight (float32 [12, 512], not float32 [1000, 512])'),
      })
    }))
})

describe('a head of one’s own', () => {
  scopedTest('comes as a module, as an archive, or as bytes', async () => {
    const head = await Module.fromSource('def forward(self, x):\n    return x.mean([1, 2, 3])\n')
    const file = join(temporaryFolder(), 'head.pt')
    await head.save(file)
    const expected = await values(await operators.mean(await base.forwardFeatures(await image())))
    for (const given of [head, { archive: file }, await head.toBytes()]) {
      const model = await base.withHead(given)
      expect(model).toBeInstanceOf(ImageModel)
      expect(model).not.toBeInstanceOf(ImageClassifier)
      expect((await values(await model.forward(await image())))[0]).toBeCloseTo(expected[0] as number, 4)
      expect([...(await model.stateDict()).keys()].filter((name) => name.startsWith('fc'))).toEqual([])
    }
    expect(head.disposed).toBe(false)
  })

  scopedTest('takes the place of another one, in a program that was saved with it', async () => {
    const mean = 'def forward(self, x):\n    return x.mean([2, 3])\n'
    const first = await base.withHead({ source: mean }, { nodes: ['layer2'] })
    const opened = await ImageClassifier.load(await first.program.toBytes(), { optimize: 'none' })
    const second = await opened.withHead({ source: mean }, { nodes: ['layer1'] })
    const widths = [first, opened, second].map(async (model) => (await model.forward(await image())).shape)
    expect(await Promise.all(widths)).toEqual([
      [1, 128],
      [1, 128],
      [1, 64],
    ])
  })

  scopedTest('sits on any layers, and on other architectures', async () => {
    const source = 'def forward(self, features: List[Tensor]):\n    return [feature.size(1) for feature in features]\n'
    const nodes = ['layer2.0.conv1', 'layer1']
    expect(await (await base.withHead({ source }, { nodes })).forward(await image())).toEqual([128, 64])
    const other = await ImageClassifier.load(efficientnetLite0.weights, { optimize: 'none' })
    const model = await other.withHead({ source }, { indices: [0, -1] })
    expect(await model.forward(await image())).toEqual([16, 320])
    expect((await model.parameterGroups()).length).toBeGreaterThan(10)
  })

  test.each<[string, string, (model: ResNet) => Promise<unknown>]>([
    [
      'ERR_TORCH_INVALID_ARGUMENT',
      'List[Tensor]',
      (model) => model.withHead({ source: 'def forward(self, x):\n    return x\n' }, { indices: [0, 1] }),
    ],
    [
      'ERR_TORCH_INVALID_ARGUMENT',
      'forward takes',
      (model) => model.withHead({ source: 'def forward(self, x: int):\n    return x\n' }),
    ],
    [
      'ERR_TORCH_MODULE_LOAD',
      'nothing',
      (model) => model.withHead({ source: 'def forward(self, x):\n    return nothing(x)\n' }),
    ],
    ['ERR_TORCH_INVALID_ARGUMENT', 'head', (model) => model.withHead(5 as never)],
    ['ERR_TORCH_INVALID_ARGUMENT', 'head', (model) => model.withHead('def' as never)],
    ['ERR_TORCH_UNKNOWN_OPTION', 'source', (model) => model.withHead({ sources: '' } as never)],
    ['ERR_TORCH_UNKNOWN_OPTION', 'indices', (model) => model.withHead({ source: '' }, { index: 1 } as never)],
    ['ERR_TORCH_INVALID_ARGUMENT', 'numClasses', (model) => model.resetClassifier(-1)],
    ['ERR_TORCH_INVALID_ARGUMENT', 'numClasses', (model) => model.resetClassifier('10' as never)],
    ['ERR_TORCH_INVALID_ARGUMENT', "globalPool ''", (model) => model.resetClassifier(5, { globalPool: '' })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'globalPool', (model) => model.resetClassifier(5, { globalPool: 'mean' as never })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'labels', (model) => model.resetClassifier(2, { labels: ['a', 'b', 'c'] })],
    ['ERR_TORCH_INVALID_ARGUMENT', '3 names', (model) => model.resetClassifier(3, { labels: ['a'] })],
    ['ERR_TORCH_INVALID_ARGUMENT', '3 names', (model) => model.resetClassifier(3, { labels: [] })],
    ['ERR_TORCH_INVALID_ARGUMENT', '3 names', (model) => model.resetClassifier(3, { labels: { 3: 'd' } })],
    ['ERR_TORCH_SHAPE', 'embed', async (model) => (await model.resetClassifier(0)).classify(photo)],
    ['ERR_TORCH_SHAPE', 'embed', async (model) => (await model.resetClassifier(0)).classify(Readable.from([photo]))],
    ['ERR_TORCH_SHAPE', 'embed', async (model) => (await reloaded(await model.resetClassifier(0))).classify(photo)],
    ['ERR_TORCH_INVALID_ARGUMENT', 'seed', (model) => model.resetClassifier(2, { seed: 'x' as never })],
    [
      'ERR_TORCH_UNKNOWN_OPTION',
      'did you mean globalPool',
      (model) => model.resetClassifier(2, { globalpool: 'avg' } as never),
    ],
    ['ERR_TORCH_INVALID_ARGUMENT', "such as 'layer1'", (model) => model.freeze(['layr1'])],
    ['ERR_TORCH_INVALID_ARGUMENT', 'an array of names', (model) => model.freeze('layer1' as never)],
    [
      'ERR_TORCH_INVALID_ARGUMENT',
      'layer3.1.conv',
      (model) => model.features(Tensor.from([1]), { nodes: ['layer3.1.conv3'] }),
    ],
    [
      'ERR_TORCH_INVALID_ARGUMENT',
      'integers from -5 to 4',
      (model) => model.features(Tensor.from([1]), { indices: [5] }),
    ],
    [
      'ERR_TORCH_INVALID_ARGUMENT',
      'either indices or nodes',
      (model) => model.features(Tensor.from([1]), { indices: [1], nodes: ['layer1'] } as never),
    ],
    ['ERR_TORCH_INVALID_ARGUMENT', 'nodes', (model) => model.features(Tensor.from([1]), { nodes: [] })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'layerDecay', (model) => model.parameterGroups({ layerDecay: 2 })],
  ])(
    'and other changes are refused, %s: %s',
    inScope(async (code, text, change) => {
      await expect(change(base)).rejects.toMatchObject({ code, message: expect.stringContaining(text) })
      expect(base.disposed).toBe(false)
    }),
  )

  test.each<[string, ModelArgs]>([
    ['outputStride', { outputStride: 4 }],
    ['numClasses', { globalPool: 'catavgmax' }],
    ['inChans', { inChans: 0 }],
    ['dropRate', { dropRate: 1 }],
    ["globalPool ''", { numClasses: 3, globalPool: '' }],
  ])('load refuses %s with nothing left behind', async (text, options) => {
    await expect(ResNet.load({ architecture: 'resnet18', random: 1 }, options)).rejects.toMatchObject({
      code: 'ERR_TORCH_INVALID_ARGUMENT',
      message: expect.stringContaining(text),
    })
    await expect(ResNet.load(resnet18.full, { outputStride: 8 })).rejects.toMatchObject({
      code: 'ERR_TORCH_INVALID_ARGUMENT',
    })
  })
})
