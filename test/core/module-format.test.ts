import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Module } from '../../lib/core/module.js'
import { formatModule } from '../../lib/core/module-format.js'
import { ImageClassifier } from '../../lib/models/image-classifier.js'
import { ResNet } from '../../lib/models/resnet.js'
import { netArchive } from '../support/golden-modules.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'
import { tinyArchive } from '../support/tiny-classifier.js'

expectNoLeaks()

scopedTest('inspect shows the class of a module, where it runs, its mode and its methods', async () => {
  const module = await Module.load(netArchive, { lane: 2 })
  const methods = '  features(Tensor x) -> Tensor\n  forward(Tensor x) -> Tensor'
  expect(inspect(module)).toBe(`Module Net cpu lane 2 eval {\n${methods}\n}`)
  await module.train()
  expect(inspect(module)).toBe(`Module Net cpu lane 2 training {\n${methods}\n}`)
  expect(inspect({ module })).toContain('module: Module Net cpu lane 2 training {\n    features(Tensor x) -> Tensor')
  module.dispose()
  expect(inspect(module)).toBe('Module (disposed)')
})

test('names that the compiler made up are left out, and methods of all forms are shown', () => {
  const schemas = [
    'forward(__torch__.timm.___torch_mangle_3.ResNet self, Tensor x, *, int n=2) -> (Tensor, int)',
    'step(__torch__.timm.___torch_mangle_3.ResNet self) -> NoneType',
    'odd() -> int',
  ]
  const methods = () => schemas.map((schema) => ({ name: schema.split('(')[0] ?? '', schema }))
  expect(formatModule({ disposed: false, device: 'cuda:1', lane: 0, training: false, methods })).toBe(
    'Module timm.ResNet cuda:1 lane 0 eval {\n' +
      '  forward(Tensor x, *, int n=2) -> (Tensor, int)\n' +
      '  step() -> NoneType\n' +
      '  odd() -> int\n}',
  )
  const empty = { disposed: false, device: 'cpu', lane: 0, training: true, methods: () => [] }
  expect(formatModule(empty)).toBe('Module cpu lane 0 training {}')
})

scopedTest('inspect shows the architecture, labels and module of a classifier, by the name of its class', async () => {
  const named = await ImageClassifier.load(await tinyArchive())
  expect(inspect(named)).toBe(
    'ImageClassifier channel-means: Module FromSource cpu lane 0 eval {\n  forward(Tensor x) -> Tensor\n}',
  )
  const labelled = await ResNet.load(await tinyArchive({ num_classes: 1000 }))
  expect(inspect(labelled)).toMatch(/^ResNet unnamed, 1000 labels: Module /)
  labelled.dispose()
  expect(inspect(labelled)).toBe('ResNet unnamed, 1000 labels, disposed: Module (disposed)')
})

test('inspect takes prototypes and classes too', () => {
  for (const handleClass of [Module, ImageClassifier, ResNet]) {
    expect(inspect(handleClass.prototype)).toMatch(/{}$/)
    expect(inspect(handleClass)).toContain(handleClass.name)
  }
})
