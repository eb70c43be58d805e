import { type defineOptions, signalField } from '../core/options.js'
import { scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'
import { byteStreamError, isByteStream } from '../io/byte-stream.js'
import type { DecodeOptions } from '../io/image.js'
import { type ImageInput, imageList } from '../io/image-input.js'
import { preprocessPart } from '../io/preprocess.js'
import { decodeFields } from '../io/preprocess-config.js'
import { type Batching, type Failed, imageStream } from './image-stream.js'

type Z = Parameters<Parameters<typeof defineOptions>[0]>[0]

/** What every verb over images takes. */
export const imagesFields = (z: Z) => ({
  batchSize: z.int().min(1).max(4096).default(8),
  ...decodeFields(z),
  signal: signalField(z),
})

/** `autoOrient` and `maxPixels`: default what the model was loaded with, else as DecodeOptions says. */
export interface ImagesOptions extends DecodeOptions {
  /** Images that go through the model together. Default 8. */
  batchSize?: number | undefined
  signal?: AbortSignal | undefined
}

/**
 * Any number of images, one after another. No byte streams: where a type says that it is one (a request, a socket, a file
 * that is read, standard input) TypeScript refuses it, and ERR_TORCH_INVALID_ARGUMENT does where it says it itself;
 * `Readable.toWeb` of a file does not, and its chunks come back as damaged images.
 */
export type ImageStream =
  | (AsyncIterable<ImageInput> & { readonly pipe?: never })
  | (AsyncIterable<ImageInput> & {
      readonly readableObjectMode: boolean
      readonly bytesRead?: never
      readonly httpVersion?: never
    })

/** Throws ERR_TORCH_INVALID_ARGUMENT for a stream of bytes, whose chunks are no images. */
export function isImageStream(images: unknown): images is AsyncIterable<ImageInput> {
  if (isByteStream(images)) throw byteStreamError('images', images)
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

/** Images through `run` (pixels: float32 [N, 3, H, W]) batch by batch: one result per batch. */
export async function inBatches<Result>(
  images: ImageInput | readonly ImageInput[],
  { preprocess, decode, batchSize, signal }: Batching,
  run: (pixels: Tensor, signal: AbortSignal | undefined) => Promise<Result>,
): Promise<Result[]> {
  const list = imageList(images)
  const results: Result[] = []
  for (let start = 0; start < list.length; start += batchSize) {
    const batch = list.slice(start, start + batchSize)
    const prepare = () => preprocessPart(batch, start, preprocess, { ...decode, signal })
    results.push(await scope(async () => run(await prepare(), signal)))
  }
  return results
}

/** One result per image: a promise of all for a list, entries one after another for an async iterable. */
export function overImages<Result, Entry>(
  images: ImageInput | readonly ImageInput[] | ImageStream,
  begin: () => Batching,
  run: (pixels: Tensor, signal: AbortSignal | undefined) => Promise<Result[]>,
  entry: (image: ImageInput, result: Result) => Entry,
): Promise<Result[]> | AsyncGenerator<Entry | Failed> {
  if (!isImageStream(images)) {
    const all = async () => (await inBatches(images, begin(), run)).flat()
    return all()
  }
  return imageStream<Result, Entry>(images, begin(), { run, entry, discard: () => {} })
}
