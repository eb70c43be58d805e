import { isAbortSignal } from '../core/abort.js'
import { nameOperation } from '../core/errors.js'
import type { defineOptions } from '../core/options.js'
import { scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'
import { type ImageInput, imageList } from '../io/image-input.js'
import { preprocessPart, preprocessStreamed } from '../io/preprocess.js'
import type { PreprocessConfig } from '../io/preprocess-config.js'
import { type Failed, imageStream } from './image-stream.js'

type Z = Parameters<Parameters<typeof defineOptions>[0]>[0]

/** What every verb over images takes. */
export const imagesFields = (z: Z) => ({
  batchSize: z.int().min(1).max(4096).default(8),
  signal: z.custom<AbortSignal>(isAbortSignal, 'an AbortSignal').optional(),
})

export interface ImagesOptions {
  /** Images that go through the model together. Default 8. */
  batchSize?: number | undefined
  signal?: AbortSignal | undefined
}

export function isAsyncIterable(images: unknown): images is AsyncIterable<ImageInput> {
  try {
    return (
      typeof images === 'object' &&
      images !== null &&
      Symbol.asyncIterator in images &&
      typeof images[Symbol.asyncIterator] === 'function'
    )
  } catch {
    return false // a proxy that throws: whoever reads it as an image says so
  }
}

export interface Batching {
  operation: string
  preprocess: PreprocessConfig
  batchSize: number
  signal?: AbortSignal | undefined
}

function readImages(images: ImageInput | readonly ImageInput[], operation: string): ImageInput[] {
  try {
    return imageList(images)
  } catch (error) {
    nameOperation(error, operation)
    throw error
  }
}

/** Images through `run` (pixels: float32 [N, 3, H, W]) batch by batch: one result per batch. */
export async function inBatches<Result>(
  images: ImageInput | readonly ImageInput[],
  { operation, preprocess, batchSize, signal }: Batching,
  run: (pixels: Tensor, signal: AbortSignal | undefined) => Promise<Result>,
): Promise<Result[]> {
  const list = readImages(images, operation)
  const results: Result[] = []
  for (let start = 0; start < list.length; start += batchSize) {
    const batch = list.slice(start, start + batchSize)
    results.push(await scope(async () => run(await preprocessPart(batch, start, preprocess, { signal }), signal)))
  }
  return results
}

/** One result per image: a promise of all for a list, entries one after another for an async iterable. */
export function overImages<Result, Entry>(
  images: ImageInput | readonly ImageInput[] | AsyncIterable<ImageInput>,
  begin: () => Batching,
  run: (pixels: Tensor, signal: AbortSignal | undefined) => Promise<Result[]>,
  entry: (image: ImageInput, result: Result) => Entry,
): Promise<Result[]> | AsyncGenerator<Entry | Failed> {
  if (!isAsyncIterable(images)) {
    const all = async () => (await inBatches(images, begin(), run)).flat()
    return all()
  }
  const { preprocess, ...batching } = begin()
  const prepare = (image: ImageInput, index: number, signal: AbortSignal) =>
    preprocessStreamed(image, index, preprocess, { signal })
  return imageStream<Result, Entry>(images, batching, { preprocess: prepare, run, entry, discard: () => {} })
}
