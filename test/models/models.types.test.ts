import { createReadStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { expectTypeOf, test } from 'vitest'
import type { Tensor } from '../../lib/index.js'
import type { ImageInput } from '../../lib/io/image-input.js'
import {
  type ArchitectureName,
  type Classified,
  type Embedded,
  type Featured,
  type HeatMapped,
  ImageClassifier,
  type ImageModel,
  type Prediction,
  ResNet,
  type ResNetName,
} from '../../lib/models/index.js'

// `tsc -p tsconfig.test.json` checks this file: a call that TypeScript would let pass makes its @ts-expect-error an error.

/** Nothing here runs. */
function calls(model: ImageClassifier, request: IncomingMessage, stream: NodeJS.ReadableStream, image: ImageInput) {
  expectTypeOf(model.classify(image)).toEqualTypeOf<Promise<Prediction[][]>>()
  expectTypeOf(model.classify(Readable.from(['a.jpg']))).toEqualTypeOf<AsyncGenerator<Classified>>()
  const paths = (async function* () {
    yield 'a.jpg'
  })()
  expectTypeOf(model.classify(paths)).toEqualTypeOf<AsyncGenerator<Classified>>()
  expectTypeOf(model.embed(paths)).toEqualTypeOf<AsyncGenerator<Embedded>>()
  expectTypeOf(model.heatMap(paths)).toEqualTypeOf<AsyncGenerator<HeatMapped>>()
  expectTypeOf(model.features(paths, { nodes: ['layer1'] })).toEqualTypeOf<AsyncGenerator<Featured>>()
  expectTypeOf(model.features(image, { indices: [1] })).toEqualTypeOf<Promise<Tensor[]>>()
  const web = new ReadableStream<string>()
  expectTypeOf(model.classify(web as ReadableStream<string> & AsyncIterable<string>)).toExtend<AsyncGenerator>()

  // @ts-expect-error a request is bytes
  model.classify(request)
  // @ts-expect-error
  model.embed(request)
  // @ts-expect-error
  model.heatMap(request)
  // @ts-expect-error
  model.features(request)
  // @ts-expect-error so is standard input
  model.classify(process.stdin)
  // @ts-expect-error and a file that is read
  model.classify(createReadStream('a.jpg'))
  // @ts-expect-error and what is known only to be readable
  model.classify(stream)
  // @ts-expect-error either scales or layers
  model.features(image, { nodes: ['layer1'], indices: [1] })
  // @ts-expect-error
  model.withHead({ source: '' }, { nodes: ['layer1'], indices: [1] })
  // @ts-expect-error
  model.classify(image, { topk: 1 })
}

function resnets(model: ResNet, weights: Map<string, Tensor>, x: Tensor) {
  expectTypeOf<ResNetName>().toExtend<ArchitectureName>()
  expectTypeOf<ArchitectureName>().not.toExtend<ResNetName>()
  expectTypeOf(ResNet.load({ architecture: 'resnet50', random: 1 })).toEqualTypeOf<Promise<ResNet>>()
  ResNet.load('resnet18', { numClasses: 10, globalPool: 'catavgmax', inChans: 1, dropRate: 0.1, outputStride: 8 })
  ResNet.load('resnet18', { numClasses: 2, seed: 1, labels: ['cat', 'dog'], optimize: 'none', testSize: true })
  ResNet.load({ architecture: 'resnet34', weights, numClasses: 0, globalPool: '' })
  ImageClassifier.load({ architecture: 'tf_efficientnet_lite0', weights })

  // @ts-expect-error no ResNet
  ResNet.load({ architecture: 'tf_efficientnet_lite0', random: 1 })
  // @ts-expect-error
  ResNet.load({ architecture: 'tf_efficientnet_lite0', weights })
  // @ts-expect-error nor is it one that ships
  ResNet.load({ architecture: 'resnet19', random: 1 })
  // @ts-expect-error
  ImageClassifier.load({ architecture: 'resnet19', random: 1 })
  // @ts-expect-error neither weights nor random
  ResNet.load({ architecture: 'resnet18' })
  // @ts-expect-error
  ResNet.load({ architecture: 'resnet18', random: 1, globalPool: 'mean' })
  // @ts-expect-error
  ResNet.load('resnet18', { globalPool: 'mean' })
  // @ts-expect-error timm's word for it
  ResNet.load('resnet18', { num_classes: 10 })
  // @ts-expect-error
  ResNet.load('resnet18', { outputStride: '8' })
  // @ts-expect-error
  ResNet.load('resnet18', { optimize: true })
  // @ts-expect-error
  ResNet.load('resnet18', { labels: [1] })
  // @ts-expect-error only a ResNet is changed while it is loaded
  ImageClassifier.load('resnet18', { numClasses: 10 })
  // @ts-expect-error
  ImageClassifier.load('resnet18', { globalPool: 'avg' })
  // @ts-expect-error
  ImageClassifier.load('resnet18', { inChans: 1 })
  // @ts-expect-error
  ImageClassifier.load('resnet18', { dropRate: 0.1 })
  // @ts-expect-error
  ImageClassifier.load('resnet18', { outputStride: 8 })
  // @ts-expect-error
  ImageClassifier.load('resnet18', { seed: 1 })
  // @ts-expect-error
  ImageClassifier.load('resnet18', { labels: ['cat'] })

  expectTypeOf(model.numClasses).toEqualTypeOf<number | undefined>()
  expectTypeOf(model.forwardFeatures(x)).toEqualTypeOf<Promise<Tensor>>()
  expectTypeOf(model.forwardHead(x, { preLogits: true })).toEqualTypeOf<Promise<Tensor>>()
  expectTypeOf(model.forwardIntermediates(x, { indices: 2, stopEarly: true })).toEqualTypeOf<
    Promise<{ features: Tensor; intermediates: Tensor[] }>
  >()
  expectTypeOf(model.resetClassifier(10, { globalPool: 'avg' })).toEqualTypeOf<Promise<ResNet>>()
  expectTypeOf(model.freeze(['layer1', /^bn/])).toEqualTypeOf<Promise<ResNet>>()
  expectTypeOf(model.loadStateDict(weights)).toEqualTypeOf<Promise<ResNet>>()
  expectTypeOf(model.withHead({ source: '' })).toEqualTypeOf<Promise<ImageModel>>()

  // @ts-expect-error
  model.resetClassifier(10, 'avg')
  // @ts-expect-error
  model.resetClassifier(10, { globalPool: 'mean' })
  // @ts-expect-error how many channels there are is said when it is loaded
  model.resetClassifier(10, { inChans: 1 })
  // @ts-expect-error
  model.resetClassifier('10')
  // @ts-expect-error as in timm, but by name
  model.forwardHead(x, true)
  // @ts-expect-error
  model.forwardHead(x, { prelogits: true })
  // @ts-expect-error
  model.forwardIntermediates(x, [1, 2])
  // @ts-expect-error
  model.forwardIntermediates(x, { indices: ['layer1'] })
  // @ts-expect-error images go to features
  model.forwardFeatures('a.jpg')
  // @ts-expect-error a ResNet is loaded, not made
  new ResNet()
}

/** What only a ResNet has. */
function others(model: ImageClassifier, x: Tensor) {
  // @ts-expect-error
  model.forwardFeatures(x)
  // @ts-expect-error
  model.forwardHead(x)
  // @ts-expect-error
  model.forwardIntermediates(x)
  // @ts-expect-error
  model.resetClassifier(10)
  // @ts-expect-error
  const resnet: ResNet = model
  return resnet
}

test('the calls above are checked by TypeScript', () => {
  for (const unrun of [calls, resnets, others]) expectTypeOf(unrun).toBeFunction()
})
