// Which names of layers freeze and unfreeze take.
import { describe, expect, test } from 'vitest'
import { keep, scope } from '../../lib/core/scope.js'
import { ImageClassifier, ResNet } from '../../lib/models/index.js'
import type { NamePattern } from '../../lib/models/name-patterns.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'

expectNoLeaks()

/** As the docstring of timm.utils.freeze prints them. */
const children = ['conv1', 'bn1', 'act1', 'maxpool', 'layer1', 'layer2', 'layer3', 'layer4', 'global_pool', 'fc']

const resnet = () => ResNet.load({ architecture: 'resnet18', random: 1 }, { optimize: 'none' })

async function trainable(model: ResNet): Promise<string[]> {
  const parameters = await model.program.parameters()
  return [...parameters].flatMap(([name, tensor]) => (tensor.requiresGrad ? [name] : []))
}

const below = (names: readonly string[], layers: readonly string[]) =>
  names.filter((name) => layers.some((layer) => name.startsWith(`${layer}.`)))

scopedTest('the example of timm.utils.freeze: all up to layer2, then all of it back', async () => {
  const model = await resnet()
  const all = await trainable(model)
  const first = children.slice(0, children.indexOf('layer2') + 1)
  const frozen = await model.freeze(first)
  expect(await trainable(frozen)).toEqual(below(all, ['layer3', 'layer4', 'fc']))
  expect(await trainable(await frozen.unfreeze(first))).toEqual(all)
  expect(await trainable(await model.freeze(children))).toEqual([])
})

describe('a layer without parameters', () => {
  test.each<[NamePattern[]]>([
    [['act1']],
    [['maxpool', 'global_pool']],
    [['layer1.0.act2']],
    [['*.act1']],
    [[/act\d$/]],
  ])('changes nothing: %s', (names) =>
    scope(async () => {
      const model = await resnet()
      const all = await trainable(model)
      for (const changed of [await model.freeze(names), await model.unfreeze(names)]) {
        expect(await trainable(changed)).toEqual(all)
      }
    }),
  )

  scopedTest('of any architecture may be named', async () => {
    const model = await ImageClassifier.load({ architecture: 'tf_efficientnet_lite0', random: 1 }, { optimize: 'none' })
    const layers = (await model.program.submodules()).filter((name) => !name.includes('.'))
    expect(layers).toContain('global_pool')
    await model.freeze(layers)
  })
})

describe('refused, because it names nothing:', () => {
  test.each<[NamePattern, string]>([
    ['act', "such as 'act1'"],
    ['maxpol', "such as 'maxpool'"],
    ['layer1.0.act9', "such as 'layer1.0.act"],
    ['act1.weight', 'a pattern that matches'],
    ['global_pool.pool.x', 'a pattern that matches'],
    [/^layer1$/, 'a pattern that matches'], // has parameters, and is the name of none
    [/^act9/, 'a pattern that matches'],
  ])('%s', (name, text) =>
    scope(async () => {
      const model = keep(await resnet())
      for (const changed of [model.freeze(['layer1', name]), model.unfreeze([name])]) {
        await expect(changed).rejects.toMatchObject({
          code: 'ERR_TORCH_INVALID_ARGUMENT',
          message: expect.stringContaining(text),
        })
      }
      model.dispose()
    }),
  )
})
