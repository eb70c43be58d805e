// Which scales of a network are asked for: one check for all verbs that take indices.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { operators } from '../../lib/core/operators.js'
import { keep } from '../../lib/core/scope.js'
import type { Tensor } from '../../lib/core/tensor.js'
import { ResNet } from '../../lib/models/index.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'

expectNoLeaks()

let model: ResNet
beforeAll(async () => {
  model = keep(await ResNet.load({ architecture: 'resnet18', random: 1 }, { optimize: 'none' }))
})
afterAll(() => model.dispose())

const image = () => operators.ones([1, 3, 32, 32])

/** timm, feature_take_indices: 'feature index 5 is out of range (0 to 4)', and what max([]) says. */
describe.each([
  [[], 'at least one'],
  [[5], 'integers from -5 to 4'],
  [[0, 7], '7'],
  [[-6], '-6'],
] as const)('indices %j', (indices, text) => {
  const refusal = { code: 'ERR_TORCH_INVALID_ARGUMENT', message: expect.stringContaining(text) }

  test.each<[string, (x: Tensor) => Promise<unknown>]>([
    ['features', (x) => model.features(x, { indices })],
    ['forwardIntermediates', (x) => model.forwardIntermediates(x, { indices })],
    ['withHead', () => model.withHead({ source: 'def forward(self, x):\n    return x\n' }, { indices })],
  ])(
    'are refused by %s before anything runs',
    inScope(async (verb: string, call: (x: Tensor) => Promise<unknown>) => {
      const unfit = await operators.ones([1]) // the program itself would reject with ERR_TORCH_MODULE_RUN
      await expect(call(unfit)).rejects.toMatchObject({ ...refusal, operation: verb })
    }),
  )
})

test.each([0, 6, -1])(
  'forwardIntermediates refuses the last %i stages',
  inScope(async (indices: number) => {
    await expect(model.forwardIntermediates(await image(), { indices })).rejects.toMatchObject({
      code: 'ERR_TORCH_INVALID_ARGUMENT',
      message: expect.stringContaining('1 to 5'),
    })
  }),
)

scopedTest('the first and the last index of each direction are taken by every verb', async () => {
  const x = await image()
  const indices = [-5, 4, 0, -1]
  const channels = (maps: readonly Tensor[]) => maps.map(({ shape }) => shape[1])
  expect(channels(await model.features(x, { indices }))).toEqual([64, 512, 64, 512])
  expect(channels((await model.forwardIntermediates(x, { indices })).intermediates)).toEqual([64, 512])
  expect(channels((await model.forwardIntermediates(x, { indices: 5 })).intermediates)).toEqual([64, 64, 128, 256, 512])
  const count = { source: 'def forward(self, maps: List[Tensor]):\n    return [map.size(1) for map in maps]\n' }
  expect(await (await model.withHead(count, { indices })).forward(x)).toEqual([64, 512, 64, 512])
})
