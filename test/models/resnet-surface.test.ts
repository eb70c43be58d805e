// Every verb of timm's ResNets, held against timm.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keep, scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import { architectures, ImageClassifier, ResNet } from '../../lib/models/index.js'
import { filled, filledWeights } from '../support/filled-weights.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { expectSample, surface, surfaceImages } from '../support/resnet-surface.js'
import { photoFolder } from '../support/sample-photos.js'

expectNoLeaks()

async function resnet18(options: Parameters<typeof ResNet.load>[1] = { optimize: 'none' }): Promise<ResNet> {
  return ResNet.load({ architecture: 'resnet18', weights: await filledWeights('resnet18') }, options)
}

/** ResNet18 as it is, for tests that change it. */
let base: ResNet
beforeAll(async () => {
  base = keep(await scope(() => resnet18()))
})
afterAll(() => base.dispose())

test('every program of a ResNet that ships is held against timm, with all logits and pre-logits of an image', () => {
  const shipped = Object.entries(architectures).flatMap(([name, { family, outputStrides }]) =>
    family === 'resnet' ? outputStrides.map((stride) => [name, stride]) : [],
  )
  expect(surface.models.map(({ model, outputStride }) => [model, outputStride])).toEqual(shipped)
  for (const { logits, preLogits, numFeatures } of surface.models) {
    expect([logits.first?.length, preLogits.first?.length]).toEqual([1000, numFeatures])
  }
})

/** Both forms where programs differ most; for the others one is enough. */
const cases = surface.models.flatMap((golden) => {
  const forms =
    golden.outputStride === 32 && golden.model !== 'resnet34' ? (['none', 'auto'] as const) : ['none' as const]
  return forms.map((optimize) => [golden.model, golden.outputStride, optimize, golden] as const)
})

describe.each(cases)(
  '%s with output stride %i and optimize %s gives',
  (architecture, outputStride, optimize, golden) => {
    let model: ResNet
    beforeAll(async () => {
      model = await scope(async () => {
        const weights = await filledWeights(architecture)
        return ResNet.load({ architecture, weights }, { outputStride, optimize })
      })
    })
    afterAll(() => model.dispose())

    scopedTest("timm's logits, features and pre-logits", async () => {
      const x = surfaceImages()
      await expectSample(await model.forward(x), golden.logits)
      const features = await model.forwardFeatures(x)
      await expectSample(features, golden.features)
      await expectSample(await model.forwardHead(features), golden.logits)
      const preLogits = await model.forwardHead(features, { preLogits: true })
      await expectSample(preLogits, golden.preLogits)
      expect([model.numFeatures, model.numClasses]).toEqual([golden.numFeatures, 1000])
    })

    scopedTest("timm's intermediates: all, some of them stopping early, and the last two", async () => {
      const x = surfaceImages()
      const all = await model.forwardIntermediates(x)
      await expectSample(all.features, golden.features)
      expect(all.intermediates).toHaveLength(golden.intermediates.length)
      for (const [i, tensor] of all.intermediates.entries())
        await expectSample(tensor, golden.intermediates[i] as never)

      const early = await model.forwardIntermediates(x, { indices: [3, -4], stopEarly: true, norm: true })
      await expectSample(early.features, golden.stoppedEarly.features)
      expect(early.intermediates).toHaveLength(2)
      for (const [i, tensor] of early.intermediates.entries()) {
        await expectSample(tensor, golden.stoppedEarly.intermediates[i] as never)
      }
      const { intermediates: lastTwo } = await model.forwardIntermediates(x, { indices: 2 })
      expect(lastTwo).toHaveLength(2)
      for (const [i, tensor] of lastTwo.entries()) await expectSample(tensor, golden.intermediates[3 + i] as never)
    })

    scopedTest("timm's features at every scale, in the order asked for, and what they are", async () => {
      expect(model.featureInfo).toEqual(golden.featureInfo.map((row, index) => ({ index, ...row })))
      const maps = await model.features(surfaceImages())
      expect(maps).toHaveLength(5)
      for (const [i, map] of maps.entries()) await expectSample(map, golden.intermediates[i] as never)
      const some = await model.features(surfaceImages(), { indices: [-1, 1, 1] })
      for (const [i, stage] of [4, 1, 1].entries()) {
        await expectSample(some[i] as Tensor, golden.intermediates[stage] as never)
      }
      const named = await model.features(surfaceImages(), { nodes: ['layer4', 'layer1'] })
      await expectSample(named[0] as Tensor, golden.intermediates[4] as never)
      await expectSample(named[1] as Tensor, golden.intermediates[1] as never)
    })
  },
)

scopedTest('any layer gives what a hook of Python sees, also where a later one overwrites it', async () => {
  const nodes = Object.keys(surface.layers)
  expect(await base.modules()).toEqual(expect.arrayContaining(nodes))
  const outputs = await base.features(surfaceImages(), { nodes })
  for (const [i, node] of nodes.entries()) await expectSample(outputs[i] as Tensor, surface.layers[node] as never)
  const alone = await base.features(surfaceImages(), { nodes: ['layer1.0.bn1'] })
  await expectSample(alone[0] as Tensor, surface.layers['layer1.0.bn1'] as never)
})

scopedTest('an optimized model gives the same layers', async () => {
  const model = await resnet18({ optimize: 'auto' })
  const [output] = await model.features(surfaceImages(), { nodes: ['layer3.1.conv2'] })
  await expectSample(output as Tensor, surface.layers['layer3.1.conv2'] as never)
})

scopedTest('a sample is compared in parts of its own largest value, however small', async () => {
  const values = [1, 2, 3, 4].map((value) => Math.fround(value * 1e-3))
  const golden = { shape: [4], mean: 2.5e-3, positions: [0, 1, 2, 3], values }
  await expectSample(Tensor.from(values), golden)
  await expect(expectSample(Tensor.from(values.with(1, 2.0001e-3)), golden)).rejects.toThrow('element 1')
  const rows = Tensor.from([...Array(20).keys()].with(7, 7.01), [1, 20])
  const sampled = { shape: [1, 20], mean: 9.5005, positions: [0, 6, 13, 19], values: [0, 6, 13, 19] }
  await expectSample(rows, sampled, 1e-4)
  await expect(expectSample(rows, { ...sampled, first: [...Array(20).keys()] }, 1e-4)).rejects.toThrow('element 7')
})

test.each(surface.pools)(
  'a classifier of ten classes behind the pool $pool is that of timm',
  inScope(async ({ pool: globalPool, preLogits, logits }: (typeof surface.pools)[number]) => {
    const fresh = await base.resetClassifier(10, { globalPool })
    expect([fresh.numClasses, fresh.labels]).toEqual([10, undefined])
    const width = preLogits.shape[1] as number
    const weights = { 'fc.weight': filled('fc.weight', [10, width]), 'fc.bias': filled('fc.bias', [10]) }
    const model = await fresh.loadStateDict({ ...Object.fromEntries(await fresh.stateDict()), ...weights })
    const features = await model.forwardFeatures(surfaceImages())
    await expectSample(await model.forwardHead(features, { preLogits: true }), preLogits)
    await expectSample(await model.forward(surfaceImages()), logits)
    // The same, made in one step from weights of that form.
    const state = await model.stateDict()
    const own = { architecture: 'resnet18', weights: state, numClasses: 10, globalPool } as const
    await expectSample(await (await ResNet.load(own)).forward(surfaceImages()), logits)
  }),
)

scopedTest('without classes forward gives pooled features, and without a pool the map', async () => {
  const [golden] = surface.models
  const headless = await base.resetClassifier(0)
  await expectSample(await headless.forward(surfaceImages()), golden?.preLogits as never)
  expect([...(await headless.stateDict()).keys()].filter((name) => name.startsWith('fc'))).toEqual([])
  const map = await base.resetClassifier(0, { globalPool: '' })
  await expectSample(await map.forward(surfaceImages()), golden?.features as never)
  const again = await headless.resetClassifier(4, { seed: 1 })
  expect((await again.forward(surfaceImages())).shape).toEqual([2, 4])
  const loaded = await resnet18({ numClasses: 0, optimize: 'auto' })
  await expectSample(await loaded.forward(surfaceImages()), golden?.preLogits as never)
})

test.each(surface.channels)(
  'pretrained weights become those of $inChans channels as in timm',
  inScope(async ({ inChans, weight, logits }: (typeof surface.channels)[number]) => {
    for (const optimize of ['none', 'auto'] as const) {
      const model = await resnet18({ inChans, optimize })
      await expectSample((await model.stateDict()).get('conv1.weight') as Tensor, weight, 1e-6)
      await expectSample(await model.forward(surfaceImages(inChans)), logits)
      await expect(model.classify(join(photoFolder, 'chelsea.png'))).rejects.toMatchObject({
        code: 'ERR_TORCH_INVALID_ARGUMENT',
        message: expect.stringContaining(`this one takes ${inChans}`),
      })
    }
  }),
)

scopedTest('a new classifier of a seed has the numbers of torch.nn.Linear', async () => {
  const { seed, weight, bias } = surface.linear
  const state = await (await base.resetClassifier(10, { seed })).stateDict()
  for (const [name, { shape, positions, values }] of Object.entries({ 'fc.weight': weight, 'fc.bias': bias })) {
    const tensor = state.get(name) as Tensor
    const numbers = await tensor.data('float32')
    expect(tensor.shape).toEqual(shape)
    expect(positions.map((position) => numbers[position])).toEqual(values.map(Math.fround))
  }
})

test.each(surface.groups)(
  'parameter groups of $model with $options are those of timm',
  inScope(async ({ model: architecture, frozen, options, groups }: (typeof surface.groups)[number]) => {
    const loaded = await ImageClassifier.load({ architecture, random: 1 }, { optimize: 'none' })
    const model = frozen ? await loaded.freeze(surface.frozenTraining.names) : loaded
    const made = await model.parameterGroups({
      layerDecay: options.layer_decay,
      minScale: options.min_scale,
      weightDecay: options.weight_decay,
      noWeightDecay: options.no_weight_decay_list,
      excludeOneDimensional: !frozen,
    })
    expect(made.map(({ lrScale, weightDecay, names }) => [lrScale, weightDecay, names])).toEqual(groups)
    const state = await model.program.parameters()
    for (const { names, parameters } of made) {
      expect(parameters.map(({ shape }) => shape)).toEqual(names.map((name) => state.get(name)?.shape))
    }
  }),
)

test.each([
  // How many groups timm 1.0.31 leaves with this no_opt_scale, and the first parameter of the first one.
  [0.75 ** 4, 0, 10, 'layer3.0.conv1.weight'],
  [0.75 ** 4 + 1e-9, 0, 8, 'layer3.1.conv1.weight'],
  [0.4, 0.3, 8, 'layer3.1.conv1.weight'],
  [0.5, 0.5, 20, 'conv1.weight'],
  [1, 0, 2, 'fc.weight'],
  [1.1, 0, 0, undefined],
])(
  'layers whose scale is below %d are in no group, as in timm, where scales are at least %d',
  inScope(async (noOptScale, minScale, count, first) => {
    const made = await base.parameterGroups({ noOptScale, minScale })
    expect([made.length, made[0]?.names[0]]).toEqual([count, first])
    const all = await base.parameterGroups({ minScale })
    const facts = (groups: typeof all) => groups.map(({ name, lrScale, names }) => [name, lrScale, names])
    expect(facts(made)).toEqual(facts(all.filter(({ lrScale }) => lrScale >= noOptScale)))
  }),
)

scopedTest('a frozen part keeps its weights and statistics while the rest trains, as in timm', async () => {
  const { names, trainable, logits, runningMeans } = surface.frozenTraining
  const whole = await resnet18()
  const model = await whole.freeze(names)
  const parameters = await model.program.parameters()
  const withGradient = [...parameters].filter(([, tensor]) => tensor.requiresGrad).map(([name]) => name)
  expect(withGradient.sort()).toEqual([...trainable].sort())
  await model.program.train()
  const output = await model.forward(surfaceImages(), { gradMode: 'enabled' })
  // Batch norms over 2 x 3 x 3 values amplify what kernels round differently.
  await expectSample(output, logits, 1e-4)
  expect(output.requiresGrad).toBe(true)
  const buffers = await model.program.buffers()
  for (const [name, mean] of Object.entries(runningMeans)) {
    await expectSample(buffers.get(`${name}.running_mean`) as Tensor, mean)
  }
})

scopedTest(
  'a segmentation head over three stages and a regression head over the last give what Python gives',
  async () => {
    const convolutions = [128, 256, 512].map((width, i) => [`conv${i}`, filled(`head.conv${i}`, [5, width, 1, 1])])
    const segmentation = await base.withHead(
      {
        source: `
def score(self, map: Tensor, weight: Tensor, size: List[int]) -> Tensor:
    return torch.upsample_bilinear2d(torch.conv2d(map, weight), size, False)

def forward(self, features: List[Tensor]):
    size = [features[0].size(2), features[0].size(3)]
    first = self.score(features[0], self.conv0, size)
    return first + self.score(features[1], self.conv1, size) + self.score(features[2], self.conv2, size)
`,
        parameters: Object.fromEntries(convolutions),
      },
      { indices: [2, 3, 4] },
    )
    await expectSample(await segmentation.forward(surfaceImages()), surface.heads.segmentation)
    const regression = await base.withHead({
      source: 'def forward(self, x):\n    return torch.linear(torch.tanh(x).mean([2, 3]), self.weight)\n',
      parameters: { weight: filled('head.weight', [2, 512]) },
    })
    await expectSample(await regression.forward(surfaceImages()), surface.heads.regression)
    const trainable = await (await regression.freeze(['conv1', 'bn1', 'layer*'])).parameterGroups()
    expect(trainable.flatMap(({ names }) => names)).toEqual(['head.weight'])
  },
)

test.each(surface.photos)(
  'a photograph prepared with $options is the bytes, the logits and the embedding of timm',
  inScope(async ({ options, shape, sha256, logits, embedding }: (typeof surface.photos)[number]) => {
    const { use_test_size: testSize, crop_mode: cropMode, input_size: inputSize, ...others } = options
    const { crop_pct: cropPct, interpolation } = others
    const model = await resnet18({
      optimize: 'none',
      testSize,
      preprocess: { cropMode, inputSize, cropPct, interpolation },
    })
    const pixels = await model.preprocess(join(photoFolder, 'chelsea.png'))
    expect(pixels.shape).toEqual(shape)
    const bytes = new Uint8Array((await pixels.data('float32')).buffer)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
    await expectSample(await model.forward(pixels), logits)
    const [vector] = await model.embed(join(photoFolder, 'chelsea.png'))
    await expectSample(Tensor.from(vector as Float32Array, [1, 512]), embedding)
  }),
)
