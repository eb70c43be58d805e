// What any layers give: many callers at once, on a model that stays as it is.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { operators } from '../../lib/core/operators.js'
import { keep, scope } from '../../lib/core/scope.js'
import type { Tensor } from '../../lib/core/tensor.js'
import { ResNet } from '../../lib/models/index.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'

expectNoLeaks()

/** A fresh one for each test: the first call is the one that makes what later ones share. */
let model: ResNet
beforeEach(async () => {
  model = keep(await ResNet.load({ architecture: 'resnet18', random: 1 }, { optimize: 'none' }))
})
afterEach(() => model.dispose())

const image = () => operators.ones([1, 3, 32, 32])
const shapes = (maps: readonly Tensor[]) => maps.map(({ shape }) => shape.join('x'))
const values = async (tensor: Tensor | undefined) => Array.from(await (tensor as Tensor).data(), Number)
const methods = () => model.program.methods().map(({ name }) => name)

const wanted = new Map([
  ['layer1', '1x64x8x8'],
  ['layer2', '1x128x4x4'],
  ['layer3', '1x256x2x2'],
  ['layer4', '1x512x1x1'],
  ['conv1', '1x64x16x16'],
  ['layer2.0.downsample.1', '1x128x4x4'],
])

describe('features of named layers', () => {
  scopedTest('come to callers that ask at once for different lists and for equal ones', async () => {
    const x = await image()
    const nodes = [...wanted.keys(), ...wanted.keys()]
    const all = await Promise.all(nodes.map((node) => model.features(x, { nodes: [node] })))
    expect(all.map(shapes)).toEqual(nodes.map((node) => [wanted.get(node)]))
    const together = await model.features(x, { nodes: [...wanted.keys()] })
    for (const [i, map] of together.entries()) expect(await values(map)).toEqual(await values(all[i]?.[0]))
    const backwards = await model.features(x, { nodes: [...wanted.keys()].reverse() })
    expect(shapes(backwards)).toEqual([...wanted.values()].reverse())
  })

  scopedTest('leave the methods and the archive of the model as they were', async () => {
    const before = { methods: methods(), archive: await model.program.toBytes() }
    const x = await image()
    for (const node of wanted.keys()) await model.features(x, { nodes: [node] })
    expect(methods()).toEqual(before.methods)
    expect(Buffer.compare(await model.program.toBytes(), before.archive)).toBe(0)
    const changed = await model.resetClassifier(3)
    expect(changed.program.methods().map(({ name }) => name)).toEqual(before.methods)
  })

  scopedTest('follow the model: its mode, its numbers and its dtype', async () => {
    const x = await operators.randn([2, 3, 32, 32])
    const first = async () => (await model.features(x, { nodes: ['bn1'] }))[0]
    const before = await values(await first())
    await model.program.train()
    expect(await values(await first())).not.toEqual(before) // the batch's own statistics
    await model.program.eval()
    const zeros = { 'bn1.weight': await operators.zeros([64]), 'bn1.bias': await operators.ones([64]) }
    await model.program.loadStateDict(zeros, { strict: false })
    expect(new Set(await values(await first()))).toEqual(new Set([1]))
    await model.program.to({ dtype: 'float64' })
    const double = (await x.to({ dtype: 'float64' })) as Tensor
    const [map] = await model.features(double, { nodes: ['bn1'] })
    expect(map?.dtype).toBe('float64')
  })

  test('come though model and input are disposed while the call runs; later calls are refused', async () => {
    const own = await ResNet.load({ architecture: 'resnet18', random: 1 }, { optimize: 'none' })
    const x = await image()
    const running = Promise.all([
      own.features(x, { nodes: ['layer1'] }),
      own.features(x, { nodes: ['layer2'] }),
      own.features(x, { nodes: ['layer1'] }),
    ])
    own.dispose()
    const late = own.features(x, { nodes: ['layer1'] })
    x.dispose()
    await expect(late).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED' })
    const maps = (await running).flat()
    expect(shapes(maps)).toEqual(['1x64x8x8', '1x128x4x4', '1x64x8x8'])
    for (const map of maps) map.dispose()
  })

  scopedTest('are given up by one caller alone', async () => {
    const x = await image()
    const controller = new AbortController()
    const { signal } = controller
    const given = { nodes: ['layer3'] }
    const calls = [{ signal }, {}, { signal }, {}].map((options) => model.features(x, { ...given, ...options }))
    controller.abort('enough')
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled'])
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') expect(shapes(outcome.value)).toEqual(['1x256x2x2'])
      else expect(outcome.reason).toBe('enough')
    }
    await expect(model.features(x, { ...given, signal: AbortSignal.abort('no') })).rejects.toBe('no')
    expect(shapes(await model.features(x, given))).toEqual(['1x256x2x2'])
  })

  scopedTest('of a list that is wrong spoil no other', async () => {
    const x = await image()
    const [wrong, right, again] = await Promise.allSettled(
      ['layer9', 'layer4', 'layer9'].map((node) => model.features(x, { nodes: [node] })),
    )
    expect(right).toMatchObject({ status: 'fulfilled' })
    for (const outcome of [wrong, again]) {
      expect(outcome).toMatchObject({
        reason: { code: 'ERR_TORCH_INVALID_ARGUMENT', message: expect.stringMatching(/such as 'layer\d'.*'layer9'/) },
      })
    }
  })
})

test('a model that was made by a scope goes with it, whatever was asked of its layers', async () => {
  const gone = await scope(async () => {
    const own = await ResNet.load({ architecture: 'resnet18', random: 1 }, { optimize: 'none' })
    await own.features(await image(), { nodes: ['layer1'] })
    return () => own.disposed
  })
  expect(gone()).toBe(true)
})
