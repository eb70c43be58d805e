import { createReadStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { expectTypeOf, test } from 'vitest'
import type { Tensor } from '../../lib/index.js'
import type { ImageInput } from '../../lib/io/image-input.js'
import type { Classified, Embedded, Featured, HeatMapped, ImageClassifier, Prediction } from '../../lib/models/index.js'

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

test('the calls above are checked by TypeScript', () => {
  expectTypeOf(calls).toBeFunction()
})
