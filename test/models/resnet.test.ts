import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import { ResNet } from '../../lib/models/index.js'
import { goldenImages } from '../../scripts/demo/golden-input.mjs'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { efficientnetLite0, resnet18 } from '../support/sample-photos.js'
import { repositoryRoot } from '../support/source-files.js'
import { tinyArchive } from '../support/tiny-classifier.js'

expectNoLeaks()

const golden = JSON.parse(readFileSync(join(repositoryRoot, 'test', 'golden', 'resnet18.json'), 'utf8'))
/** Absolute, as in test/export/resnet.test.ts: logits reach 6. */
const tolerance = 1e-5

interface Sample {
  shape: number[]
  /** into the row-major order */
  positions: number[]
  values: number[]
}

async function expectSample(tensor: Tensor, { shape, positions, values }: Sample): Promise<void> {
  expect(tensor.shape).toEqual(shape)
  const numbers = await tensor.data('float32')
  expect(positions.length).toBeGreaterThan(10)
  for (const [i, position] of positions.entries()) {
    expect(Math.abs((numbers[position] ?? Number.NaN) - (values[i] ?? Number.NaN))).toBeLessThanOrEqual(tolerance)
  }
}

const image = () => Tensor.from(goldenImages(golden.input, 1), [1, ...golden.input.shape.slice(1)])

describe.each(['auto', 'none'] as const)("timm's verbs, with optimize %s:", (optimize) => {
  let model: ResNet
  beforeAll(async () => {
    model = await ResNet.load(resnet18.full, { optimize })
  })
  afterAll(() => model.dispose())

  scopedTest('forward', async () => {
    const logits = await model.forward(image())
    await expectSample(logits, { shape: [1, 1000], positions: [...golden.logits.keys()], values: golden.logits })
  })

  scopedTest('forwardFeatures and forwardHead', async () => {
    const features = await model.forwardFeatures(image())
    await expectSample(features, golden.features)
    const whole = { shape: [1, 1000], positions: [...golden.logits.keys()], values: golden.logits }
    await expectSample(await model.forwardHead(features), whole)
    await expectSample(await model.forwardHead(features, { preLogits: false, gradMode: 'inference' }), whole)
    await expectSample(await model.forwardHead(features, { preLogits: true }), golden.preLogits)
  })

  scopedTest('forwardIntermediates: all stages', async () => {
    const { features, intermediates } = await model.forwardIntermediates(image())
    await expectSample(features, golden.features)
    expect(intermediates).toHaveLength(5)
    for (const [stage, tensor] of intermediates.entries()) await expectSample(tensor, golden.intermediates[stage])
  })

  scopedTest('forwardIntermediates: some, counted from the end too, stopping early', async () => {
    const options = { indices: [0, -3], stopEarly: true, gradMode: 'inference' } as const
    const { features, intermediates } = await model.forwardIntermediates(image(), options)
    await expectSample(features, golden.intermediates[2])
    expect(intermediates).toHaveLength(2)
    await expectSample(intermediates[0] as Tensor, golden.intermediates[0])
    await expectSample(intermediates[1] as Tensor, golden.intermediates[2])
  })

  test('an abort rejects with its reason', () =>
    scope(async () => {
      const signal = AbortSignal.abort('enough')
      const x = image()
      await expect(model.forward(x, { signal })).rejects.toBe('enough')
      await expect(model.forwardFeatures(x, { signal })).rejects.toBe('enough')
      await expect(model.forwardHead(x, { signal })).rejects.toBe('enough')
      await expect(model.forwardIntermediates(x, { signal })).rejects.toBe('enough')
    }))

  test.each<[string, string, (x: Tensor) => Promise<unknown>]>([
    ['ERR_TORCH_INVALID_ARGUMENT', 'from -5 to 4', (x) => model.forwardIntermediates(x, { indices: [5] })],
    [
      'ERR_TORCH_INVALID_ARGUMENT',
      'array of integers',
      (x) => model.forwardIntermediates(x, { indices: '5' as never }),
    ],
    ['ERR_TORCH_INVALID_ARGUMENT', 'stages from 1 to 5', (x) => model.forwardIntermediates(x, { indices: 6 })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'stages from 1 to 5', (x) => model.forwardIntermediates(x, { indices: 0 })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'array of integers', (x) => model.forwardIntermediates(x, { indices: [0.5] })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'stopEarly', (x) => model.forwardIntermediates(x, { stopEarly: 1 as never })],
    [
      'ERR_TORCH_UNKNOWN_OPTION',
      'did you mean stopEarly',
      (x) => model.forwardIntermediates(x, { stopearly: 1 } as never),
    ],
    ['ERR_TORCH_INVALID_ARGUMENT', 'preLogits', (x) => model.forwardHead(x, { preLogits: 'yes' as never })],
    ['ERR_TORCH_UNKNOWN_OPTION', 'did you mean preLogits', (x) => model.forwardHead(x, { prelogits: true } as never)],
    ['ERR_TORCH_INVALID_ARGUMENT', 'gradMode', (x) => model.forwardHead(x, { gradMode: 'off' as never })],
    ['ERR_TORCH_INVALID_ARGUMENT', 'options of forwardHead', (x) => model.forwardHead(x, null as never)],
    ['ERR_TORCH_INVALID_ARGUMENT', '', () => model.forwardFeatures('x' as never)],
    ['ERR_TORCH_MODULE_RUN', '', () => model.forwardFeatures(Tensor.from([1, 2]))],
  ])(
    '%s: %s',
    inScope(async (code, text, call) => {
      await expect(call(image())).rejects.toMatchObject({ code, message: expect.stringContaining(text) })
    }),
  )
})

scopedTest('seeded random weights: the same seed gives the same numbers, and they are numbers', async () => {
  const load = (random: number | bigint) => ResNet.load({ architecture: 'resnet18', random }, { optimize: 'none' })
  const [first, again, other] = await Promise.all([load(7), load(7n), load(8)])
  const logits = await Promise.all(
    [first, again, other].map(async (model) => (await (model as ResNet).forward(image())).data('float32')),
  )
  expect(logits[0]?.every(Number.isFinite)).toBe(true)
  expect(new Set(logits[0]).size).toBeGreaterThan(900)
  expect(logits[1]).toEqual(logits[0])
  expect(logits[2]).not.toEqual(logits[0])
  expect(first?.labels).toHaveLength(1000)
})

scopedTest('random weights follow the rule', async () => {
  const model = await ResNet.load({ architecture: 'resnet18', random: 1 }, { optimize: 'none' })
  const state = await model.program.stateDict()
  const values = async (name: string) => Array.from(await (state.get(name) as Tensor).data(), Number)
  expect(new Set(await values('bn1.weight'))).toEqual(new Set([1]))
  expect(new Set(await values('layer1.0.bn2.running_var'))).toEqual(new Set([1]))
  expect(new Set(await values('layer1.0.bn2.running_mean'))).toEqual(new Set([0]))
  expect(new Set(await values('fc.bias'))).toEqual(new Set([0]))
  expect(await values('bn1.num_batches_tracked')).toEqual([0])
  expect(state.get('bn1.num_batches_tracked')?.dtype).toBe('int64')
  const kernel = await values('layer4.1.conv2.weight') // [512, 512, 3, 3]
  const deviation = Math.sqrt(kernel.reduce((sum, value) => sum + value ** 2, 0) / kernel.length)
  expect(deviation / Math.sqrt(2 / (512 * 9))).toBeCloseTo(1, 2)
})

test('another family is refused, by whatever it comes', async () => {
  const refused = { code: 'ERR_TORCH_INVALID_ARGUMENT', message: expect.stringContaining('tf_efficientnet_lite0') }
  await expect(ResNet.load(efficientnetLite0.weights)).rejects.toMatchObject(refused)
  await expect(ResNet.load(efficientnetLite0.full)).rejects.toMatchObject(refused)
  // @ts-expect-error TypeScript says so already
  await expect(ResNet.load({ architecture: 'tf_efficientnet_lite0', random: 1 })).rejects.toMatchObject(refused)
})

scopedTest('an archive without the verbs says which is missing', async () => {
  const model = await ResNet.load(await tinyArchive())
  await expect(model.forwardFeatures(image())).rejects.toMatchObject({
    code: 'ERR_TORCH_INVALID_ARGUMENT',
    message: expect.stringContaining('forward_features'),
  })
})
