// A row for every public function, method and getter of node-libtorch/models. The model is an archive of a few kilobytes.
import { inspect } from 'node:util'
import { Module, Tensor } from '../../../dist/index.js'
import * as models from '../../../dist/models/index.js'

const { ImageClassifier, ImageModel, ResNet, hasPretrained, imagenetLabels, manifestOf } = models

const argument = (make, ...accepts) => ({ make, accepts })
const boolean = ['boolean']
const integer = ['integer']
const signal = ['signal']
const raw = signal
const images = { batchSize: [], maxPixels: integer, autoOrient: boolean, signal }
const execution = { gradMode: [], autocast: [], generator: ['generator'], signal }

const source = `
def forward_features(self, x):
    return x
def forward_head(self, x, pre_logits: bool):
    return x.mean([2, 3])
def forward(self, x):
    return self.forward_head(self.forward_features(x), False)
def forward_intermediates(self, x, indices: Optional[List[int]], stop_early: bool):
    return x, [x]
`
const config = { architecture: 'means', num_classes: 3, pretrained_cfg: { input_size: [3, 8, 8] } }
const program = await Module.fromSource('def forward(self, x):\n    return x\n')
const archive = await (await program.derive({ source })).toBytes({
  extraFiles: { 'metadata.json': JSON.stringify(config) },
})

const live = await ResNet.load(archive, { optimize: 'none' })
const dead = await ResNet.load(archive, { optimize: 'none' })
dead.dispose()

/** Besides what JavaScript has. */
export const furtherValues = [
  ['ResNet', ['model'], () => live],
  ['disposed ResNet', ['disposed model'], () => dead],
  ...[ImageModel, ImageClassifier, ResNet].map((each) => [
    ...[`object of the ${each.name} class`, [], () => Object.create(each.prototype)],
  ]),
]

function method(ModelClass, name, rest = {}) {
  const { value, get } = Object.getOwnPropertyDescriptor(ModelClass.prototype, name)
  const receivers = { kind: 'model', make: () => live }
  return { name: `${ModelClass.name}#${String(name)}`, target: value ?? get, receivers, isAsync: true, ...rest }
}

const outlives = { livesOn: ['disposed model'] }
const image = () => argument(() => ({ pixels: new Uint8Array(192), width: 8, height: 8 }))
const pixels = () => argument(() => Tensor.from(new Float32Array(192), [1, 3, 8, 8]), 'tensor')
const patterns = () => argument(() => [], 'undefined', 'empty array')

const loadOptions = { optimize: [], preprocess: ['record'], testSize: boolean, signal, progress: ['function'] }
const modelArgs = { numClasses: integer, globalPool: [], inChans: [], dropRate: [], outputStride: [] }
const load = (ModelClass, options) => ({
  ...{ name: `${ModelClass.name}.load`, target: ModelClass.load, isAsync: true, options, raw },
  args: [argument(() => archive)],
})
const constructorRow = (ModelClass) => ({
  ...{ name: `new ${ModelClass.name}`, target: ModelClass, isConstructor: true },
  args: [argument(() => 1), argument(() => 1)],
})

const modelRows = [
  constructorRow(ImageModel),
  ...['architecture', 'featureInfo', 'module', 'program', 'preprocessing', 'disposed'].map((name) =>
    method(ImageModel, name, { isAsync: false, ...outlives }),
  ),
  method(ImageModel, 'modules'),
  method(ImageModel, 'stateDict', { options: { signal }, raw }),
  method(ImageModel, 'preprocess', {
    ...{ args: [image()], options: { maxPixels: integer, autoOrient: boolean, signal }, raw },
    ...outlives,
  }),
  method(ImageModel, 'forward', { args: [pixels()], options: execution, raw }),
  method(ImageModel, 'features', {
    args: [image()],
    options: { indices: [], nodes: [], ...images },
    raw,
  }),
  ...['freeze', 'unfreeze'].map((name) =>
    method(ImageModel, name, { args: [patterns()], options: { batchNorm: boolean, signal }, raw }),
  ),
  method(ImageModel, 'loadStateDict', {
    args: [argument(() => ({}), 'record', 'map')],
    options: { strict: boolean, anyShape: boolean, signal },
    raw,
  }),
  method(ImageModel, 'parameterGroups', {
    options: {
      ...{ weightDecay: ['number'], layerDecay: [], minScale: ['number'], noOptScale: ['number'] },
      ...{ noWeightDecay: ['empty array'], excludeOneDimensional: boolean, signal },
    },
    raw,
  }),
  method(ImageModel, 'toJSON', { isAsync: false }),
  // Shows whatever it is asked to show.
  method(ImageModel, inspect.custom, { isAsync: false, receivers: undefined }),
]

const classifierRows = [
  load(ImageClassifier, loadOptions),
  constructorRow(ImageClassifier),
  method(ImageClassifier, 'labels', { isAsync: false, ...outlives }),
  method(ImageClassifier, 'classify', { args: [image()], options: { topK: ['integer'], ...images }, raw }),
  method(ImageClassifier, 'embed', { args: [image()], options: images, raw }),
  method(ImageClassifier, 'heatMap', { args: [image()], options: { classIndex: [], ...images }, raw }),
  method(ImageClassifier, 'withHead', {
    args: [argument(() => ({ source: 'def forward(self, x: Tensor):\n    return x\n' }))],
    options: { indices: [], nodes: [] },
  }),
]

const resnetRows = [
  load(ResNet, { ...loadOptions, ...modelArgs, seed: ['integer', 'bigint'], labels: [] }),
  constructorRow(ResNet),
  ...['numClasses', 'numFeatures'].map((name) => method(ResNet, name, { isAsync: false, ...outlives })),
  method(ResNet, 'forwardFeatures', { args: [pixels()], options: execution, raw }),
  method(ResNet, 'forwardHead', { args: [pixels()], options: { preLogits: boolean, ...execution }, raw }),
  method(ResNet, 'forwardIntermediates', {
    args: [pixels()],
    options: { indices: ['integers'], norm: boolean, stopEarly: boolean, ...execution },
    raw,
  }),
  method(ResNet, 'resetClassifier', {
    args: [argument(() => 2, 'integer')],
    options: { globalPool: [], dropRate: [], optimize: [], seed: ['integer', 'bigint'], labels: [] },
  }),
]

const functionRows = [
  { name: 'imagenetLabels', target: imagenetLabels },
  { name: 'hasPretrained', target: hasPretrained, isAsync: true, args: [argument(() => 'resnet18')] },
  { name: 'manifestOf', target: manifestOf, args: [argument(() => 'resnet18')], options: { outputStride: [] } },
]

/** Last: what they were called on is of no use afterwards. */
const disposals = ['dispose', Symbol.dispose].map((name) => method(ImageModel, name, { isAsync: false, ...outlives }))

export const rows = [...functionRows, ...classifierRows, ...resnetRows, ...modelRows, ...disposals]
