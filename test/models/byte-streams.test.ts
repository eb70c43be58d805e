// A stream of bytes is one image in pieces, not a stream of images: refused, with the way to collect it.
import { createReadStream, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable, Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ImageClassifier } from '../../lib/models/index.js'
import { expectNoLeaks } from '../support/handles.js'
import { photos } from '../support/sample-photos.js'
import { plain, tinyArchive } from '../support/tiny-classifier.js'

expectNoLeaks()

let model: ImageClassifier
beforeAll(async () => {
  model = await ImageClassifier.load(await tinyArchive())
})
afterAll(() => model.dispose())

const photo = photos[0] as string
const encoded = () => readFileSync(photo)

/** The error of whatever happens first: the call throws, its promise rejects, or the first entry of its stream is one. */
async function refusal(call: () => unknown): Promise<unknown> {
  try {
    const result = call() as AsyncGenerator<{ error?: unknown }>
    if (result instanceof Promise) return await result
    const { value } = await result.next()
    return value.error ?? value
  } catch (error) {
    return error
  }
}

const called = (verb: 'classify' | 'embed' | 'heatMap' | 'features', images: unknown) =>
  (model[verb] as (images: unknown) => unknown).call(model, images)

const refused = (operation: string) => ({
  code: 'ERR_TORCH_INVALID_ARGUMENT',
  operation,
  message: expect.stringContaining("await buffer(stream)' of 'node:stream/consumers'"),
})

const byteStreams: [string, () => unknown][] = [
  ['a file that is read', () => createReadStream(photo)],
  ['a pipe', () => new PassThrough().end(encoded())],
  ['text', () => createReadStream(photo, 'utf8')],
  ['the body of a response', () => new Response(encoded()).body],
  ['the stream of a Blob', () => new Blob([encoded()]).stream()],
]

describe.each(byteStreams)('%s', (_, open) => {
  test.each(['classify', 'embed', 'heatMap', 'features'] as const)('is refused by %s', async (verb) => {
    const stream = open()
    expect(await refusal(() => called(verb, stream))).toMatchObject(refused(verb))
    if (stream instanceof Readable) stream.destroy()
  })

  test('is refused where one image is wanted, and can be read afterwards', async () => {
    const stream = open()
    expect(await refusal(() => model.preprocess(stream as never))).toMatchObject(refused('preprocess'))
    expect(await refusal(() => model.classify([stream] as never))).toMatchObject(refused('classify'))
    const items = (async function* () {
      yield stream as never
    })()
    expect(await refusal(() => model.classify(items))).toMatchObject(refused('classify'))
    if (!(stream instanceof Readable) || stream.readableEncoding === null) {
      expect((await buffer(stream as Readable)).equals(encoded())).toBe(true)
    } else {
      stream.destroy()
    }
  })
})

/** What a file in a web stream is: nothing says that its chunks are pieces. */
const webFile = () => Readable.toWeb(createReadStream(photo))

test('a web stream that does not say what its chunks are is refused in the place of one image', async () => {
  for (const stream of [webFile(), new ReadableStream({ start: (controller) => controller.enqueue(encoded()) })]) {
    expect(await refusal(() => model.preprocess(stream as never))).toMatchObject(refused('preprocess'))
    expect(await refusal(() => model.classify([stream] as never))).toMatchObject(refused('classify'))
  }
})

test('a request is refused, and answered with what it says when it was collected', async () => {
  const answers: unknown[] = []
  const server = createServer(async (request: IncomingMessage, response) => {
    answers.push(await refusal(() => model.classify(request as never)))
    answers.push(await model.classify(await buffer(request)))
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await (await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: encoded() })).text()
  await new Promise((resolve) => server.close(resolve))
  expect(answers).toEqual([
    expect.objectContaining({ code: 'ERR_TORCH_INVALID_ARGUMENT' }),
    await model.classify(photo),
  ])
})

test('standard input is refused', async () => {
  expect(await refusal(() => model.classify(process.stdin as never))).toMatchObject(refused('classify'))
})

test('streams of whole images are read as such, of Node and of the web', async () => {
  const [expected] = await model.classify(photo)
  const objects = new Transform({ readableObjectMode: true, transform: (_chunk, _, done) => done(null, encoded()) })
  objects.end('anything')
  const web = new ReadableStream({
    start(controller) {
      controller.enqueue(encoded())
      controller.close()
    },
  })
  for (const source of [Readable.from([photo]), objects, web]) {
    const seen: unknown[] = []
    for await (const { predictions } of model.classify(source as AsyncIterable<string>)) seen.push(predictions)
    expect(seen).toEqual([expected])
  }
  await finished(objects)
})

test('a proxy that throws is no stream, and refused as any other thing', async () => {
  const hostile = new Proxy(
    { [Symbol.asyncIterator]: () => plain(1, 2, 3) },
    {
      get: (target, key) => {
        if (key === 'readableObjectMode') throw new Error('no')
        return Reflect.get(target, key)
      },
    },
  )
  expect(await refusal(() => model.classify(hostile as never))).toBeInstanceOf(Error)
})
