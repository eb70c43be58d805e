import { abortReason, onAbort, throwIfAborted } from '../core/abort.js'
import { nameOperation, type TorchError } from '../core/errors.js'
import { keep, scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'
import type { DecodeOptions } from '../io/image.js'
import type { ImageInput } from '../io/image-input.js'
import type { PreprocessConfig } from '../io/preprocess-config.js'
import { type Preprocessed, preprocessStreamed } from '../io/preprocess-streamed.js'
import { batchesOf } from './batches.js'
import { untilAborted } from './until-aborted.js'
import { workAhead } from './work-ahead.js'

/** How a verb takes its images. */
export interface Batching {
  operation: string
  preprocess: PreprocessConfig
  decode: DecodeOptions
  batchSize: number
  signal?: AbortSignal | undefined
}

/** What a stream does with its images. Result: of one image, Entry: what the reader gets. */
export interface StreamSteps<Result, Entry> {
  /** pixels: float32 [N, 3, H, W]. N results. */
  run(pixels: Tensor, signal: AbortSignal): Promise<Result[]>
  /** What the reader gets of an image; from here on the result is the reader's. */
  entry(image: ImageInput, result: Result): Entry
  /** Gives back a result that nobody will see. */
  discard(result: Result): void
}

/** An image that could not be looked at, or something else in its place. */
export interface Failed {
  image: ImageInput
  error: TorchError
}

/** Some images, and what the model takes of them. */
interface Prepared extends Preprocessed {
  images: ImageInput[]
}

/** Bad images are results of their own; anything else (an abort, a defect) ends the stream. */
async function prepare(
  images: ImageInput[],
  first: number,
  { operation, preprocess, decode }: Batching,
  signal: AbortSignal,
): Promise<Prepared> {
  // The scope in which the reader asks for a result may end long before these images have their turn.
  const { pixels, errors } = await scope(async () => {
    const preprocessed = await preprocessStreamed(images, first, preprocess, { ...decode, signal })
    if (preprocessed.pixels) keep(preprocessed.pixels)
    return preprocessed
  })
  for (const error of errors) nameOperation(error, operation)
  return { images, pixels, errors }
}

/** An image with its result, or with what went wrong. */
type Done<Result> = { image: ImageInput; result: Result; error?: undefined } | Failed

async function runBatch<Result>(
  { images, pixels, errors }: Prepared,
  { run }: Pick<StreamSteps<Result, unknown>, 'run'>,
  signal: AbortSignal,
): Promise<Done<Result>[]> {
  try {
    const results = pixels === undefined ? [] : await scope(async () => run(pixels, signal))
    let next = 0
    return images.map((image, index) => {
      const error = errors[index]
      return error ? { image, error } : { image, result: results[next++] as Result }
    })
  } finally {
    pixels?.dispose()
  }
}

/**
 * Gives results in the order of the images, each batch's as soon as it is through, whatever the source does meanwhile.
 * While the reader has those of one batch, the next is in the model and the one after it is decoded; no more is read
 * ahead.
 */
export async function* imageStream<Result, Entry>(
  images: AsyncIterable<ImageInput>,
  batching: Batching,
  steps: StreamSteps<Result, Entry>,
): AsyncGenerator<Entry | Failed> {
  const { operation, batchSize, signal } = batching
  throwIfAborted(signal)
  const stop = new AbortController()
  const forget = signal && onAbort(signal, () => stop.abort(abortReason(signal)))
  const discard = (batch: Done<Result>[]) => {
    for (const done of batch.splice(0)) if (done.error === undefined) steps.discard(done.result)
  }
  let begun = 0
  const prepared = workAhead(batchesOf(untilAborted(images, stop.signal), batchSize), {
    ahead: 2,
    work: (batch: ImageInput[]) => {
      begun += batch.length
      return prepare(batch, begun - batch.length, batching, stop.signal)
    },
    discard: ({ pixels }) => pixels?.dispose(),
  })
  const finished = workAhead(prepared, {
    ahead: 2,
    work: (batch: Prepared) => runBatch(batch, steps, stop.signal),
    discard,
  })
  let batch: Done<Result>[] = []
  try {
    for (;;) {
      const { done, value } = await finished.next()
      if (done) return
      batch = value
      for (let next = batch.shift(); next !== undefined; next = batch.shift()) {
        if (signal?.aborted) {
          batch.unshift(next)
          throw abortReason(signal)
        }
        yield next.error ? next : steps.entry(next.image, next.result)
      }
    }
  } catch (error) {
    nameOperation(error, operation)
    throw error
  } finally {
    forget?.()
    discard(batch)
    // Where the reader left early nobody needs what is under way, and only so does a read of a silent source end.
    stop.abort()
    await finished.return(undefined)
  }
}
