// error.operation is the verb that was called, whatever part within it failed.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TorchError, torchError } from '../../lib/core/errors.js'
import { operators } from '../../lib/core/operators.js'
import { keep, scope } from '../../lib/core/scope.js'
import { hasPretrained, ImageClassifier, ImageModel, manifestOf, ResNet } from '../../lib/models/index.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { photos } from '../support/sample-photos.js'

expectNoLeaks()

const photo = photos[0] as string
const folder = mkdtempSync(join(tmpdir(), 'node-libtorch-test-'))
afterAll(() => rmSync(folder, { recursive: true }))
const missing = join(folder, 'missing.png')

let model: ResNet
let disposed: ResNet
beforeAll(async () => {
  model = keep(await ResNet.load({ architecture: 'resnet18', random: 5 }, { optimize: 'none' }))
  disposed = keep(await ResNet.load({ architecture: 'resnet18', random: 5 }, { optimize: 'none' }))
  disposed.dispose()
})
afterAll(() => model.dispose())

async function errorOf(call: () => unknown): Promise<TorchError> {
  try {
    await call()
  } catch (error) {
    return error as TorchError
  }
  throw new Error('Expected an error')
}

type Call = (own: ResNet) => unknown

type Entries = AsyncGenerator<{ error?: TorchError }>

const streaming = ['classify', 'embed', 'heatMap', 'features'] as const

/** One of the verbs, which TypeScript cannot call as one. */
const called = (own: ResNet, verb: (typeof streaming)[number], images: unknown) =>
  (own[verb] as (images: unknown) => unknown).call(own, images)

const verbs: Record<string, Call[]> = {
  'ImageClassifier.load': [
    () => ImageClassifier.load('timm/none', { hub: { offline: true } }),
    () => ImageClassifier.load(join(folder, 'none.pt')),
    () => ImageClassifier.load(photo),
    () => ImageClassifier.load({ architecture: 'resnet18', weights: {} }),
    () => ImageClassifier.load('hf-hub:a/b/c'),
    () => ImageClassifier.load(5 as never),
    () => ImageClassifier.load({ architecture: 'resnet18', random: 'x' as never }),
    () => ImageClassifier.load('timm/none', { hub: { token: 'a b' } }),
    () => ImageClassifier.load({ architecture: 'resnet18', random: 1, outputStride: 4 }),
  ],
  'ResNet.load': [
    () => ResNet.load('timm/none', { hub: { offline: true } }),
    () => ResNet.load({ architecture: 'resnet18', random: 1 }, { inChans: 0 }),
    () => ResNet.load({ architecture: 'resnet18', random: 1 }, { labels: ['a'] }),
  ],
  classify: [
    (own) => own.classify(photo),
    (own) => own.classify([photo, missing]),
    (own) => own.classify(5 as never),
    (own) => own.classify([]),
  ],
  embed: [(own) => own.embed(photo), (own) => own.embed(missing)],
  heatMap: [(own) => own.heatMap(photo), (own) => own.heatMap(photo, { classIndex: 5000 })],
  features: [
    (own) => own.features(photo),
    (own) => own.features(missing),
    async (own) => own.features(await operators.ones([1]), { nodes: ['layer1'] }),
    async (own) => own.features(await operators.ones([1]), { indices: [0] }),
  ],
  preprocess: [(own) => own.preprocess(missing)],
  forward: [async (own) => own.forward(await operators.ones([1])), (own) => own.forward(5 as never)],
  forwardFeatures: [async (own) => own.forwardFeatures(await operators.ones([1]))],
  forwardHead: [async (own) => own.forwardHead(await operators.ones([1]))],
  forwardIntermediates: [async (own) => own.forwardIntermediates(await operators.ones([1]))],
  resetClassifier: [(own) => own.resetClassifier(-1), (own) => own.resetClassifier(3, { labels: ['a'] })],
  withHead: [
    (own) => own.withHead({ source: 'def forward(self, x):\n    return nothing(x)\n' }),
    (own) => own.withHead({ archive: missing }),
    (own) => own.withHead(new Uint8Array(3)),
  ],
  modules: [],
  stateDict: [(own) => own.stateDict({ signal: 5 as never })],
  loadStateDict: [(own) => own.loadStateDict({}), (own) => own.loadStateDict(5 as never)],
  freeze: [(own) => own.freeze(['layr1'])],
  unfreeze: [(own) => own.unfreeze(['layr1'])],
  parameterGroups: [(own) => own.parameterGroups({ noWeightDecay: ['layr1'] })],
}

const outliving = ['preprocess', 'ImageClassifier.load', 'ResNet.load', 'parameterGroups']

/** Getters and what frees are no verbs that fail. */
const others = ['constructor', 'dispose', 'toJSON']

test('every verb of a model has its calls here', () => {
  const methods = [ImageModel, ImageClassifier, ResNet].flatMap(({ prototype }) =>
    Object.getOwnPropertyNames(prototype).filter(
      (name) => typeof Object.getOwnPropertyDescriptor(prototype, name)?.value === 'function' && !others.includes(name),
    ),
  )
  expect(Object.keys(verbs).filter((name) => !name.includes('.'))).toEqual(expect.arrayContaining(methods))
})

const entries = Object.entries(verbs)

test.each(entries)(
  '%s is what its errors say',
  inScope(async (verb, calls) => {
    // The first call of these fails for a disposed model only.
    for (const call of calls.slice(streaming.some((name) => name === verb) ? 1 : 0)) {
      expect(await errorOf(() => call(model))).toMatchObject({ operation: verb })
    }
  }),
)

test.each(entries.filter(([verb]) => !outliving.includes(verb)))(
  '%s is what its errors say of a disposed model',
  inScope(async (verb, calls) => {
    const [call = (own: ResNet) => own.modules()] = calls
    expect(await errorOf(() => call(disposed))).toMatchObject({ operation: verb })
  }),
)

test.each(entries.filter(([verb]) => !verb.includes('.')))(
  '%s keeps its name, and says what is no model',
  async (verb) => {
    const method = model[verb as keyof ResNet] as unknown as (...args: unknown[]) => unknown
    expect(method.name).toBe(verb)
    expect(await errorOf(() => method.call({}, photo))).toMatchObject({ operation: verb })
  },
)

test.each(streaming)('entries of a stream of %s name it', (verb) =>
  scope(async () => {
    const images = async function* () {
      yield missing
      yield 5 as never
    }
    const operations: unknown[] = []
    for await (const { error } of called(model, verb, images()) as Entries) operations.push(error?.operation)
    expect(operations).toEqual([verb, verb])
    expect(await errorOf(() => (called(disposed, verb, images()) as Entries).next())).toMatchObject({ operation: verb })
  }),
)

scopedTest('a disposed model is called one', async () => {
  for (const verb of streaming) {
    expect(await errorOf(() => called(disposed, verb, photo))).toMatchObject({
      ...{ code: 'ERR_TORCH_DISPOSED', message: `Expected a live model for ${verb} but received a disposed one` },
    })
  }
})

scopedTest('an error of the caller’s goes its way untouched: of the source, and the reason of a signal', async () => {
  const own = torchError('ERR_TORCH_DISK', 'of another call', { operation: 'hub.file' })
  const failing = async function* () {
    yield photo
    throw own
  }
  const reading = (async () => {
    for await (const _ of model.classify(failing()));
  })()
  await expect(reading).rejects.toBe(own)
  const reason = torchError('ERR_TORCH_DISK', 'of another call', { operation: 'hub.file' })
  const signal = AbortSignal.abort(reason)
  const endless = async function* () {
    for (;;) yield photo
  }
  for (const call of [
    () => model.classify(photo, { signal }),
    () => model.features(photo, { signal }),
    () => model.classify(endless(), { signal }).next(),
    () => ImageClassifier.load('resnet18', { signal }),
    () => ImageClassifier.load({ architecture: 'resnet18', random: 1 }, { signal }),
    () => model.stateDict({ signal }),
  ]) {
    await expect(errorOf(call)).resolves.toBe(reason)
  }
  expect([own.operation, reason.operation]).toEqual(['hub.file', 'hub.file'])
})

test('functions name themselves', async () => {
  expect(await errorOf(() => hasPretrained('resnet19' as never))).toMatchObject({ operation: 'hasPretrained' })
  expect(await errorOf(() => manifestOf('resnet19' as never))).toMatchObject({ operation: 'manifestOf' })
  expect(await errorOf(() => manifestOf('resnet18', { outputStride: 4 }))).toMatchObject({ operation: 'manifestOf' })
})
