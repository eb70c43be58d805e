import { abortReason, onAbort, throwIfAborted } from '../core/abort.js'
import { nameOperation, TorchError } from '../core/errors.js'
import { operators } from '../core/operators.js'
import { keep, scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'
import type { DecodeOptions } from '../io/image.js'
import type { ImageInput } from '../io/image-input.js'
import { preprocessStreamed } from '../io/preprocess.js'
import type { PreprocessConfig } from '../io/preprocess-config.js'
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

interface Prepared {
  image: ImageInput
  pixels: Tensor | undefined
  error: TorchError | undefined
}

function free(batch: readonly Prepared[]): void {
  for (const { pixels } of batch) pixels?.dispose()
}

/** Whether the image is to blame, and not the call that looks at it. */
function isOfImage(error: unknown): error is TorchError {
  return error instanceof TorchError && error.details?.image !== undefined
}

/** A bad image is a result of its own; anything else (an abort, a defect) ends the stream. */
async function prepare(
  image: ImageInput,
  index: number,
  { operation, preprocess, decode }: Batching,
  signal: AbortSignal,
): Promise<Prepared> {
  try {
    // The scope in which the reader asks for a result may end long before this image has its turn.
    const pixels = await scope(async () =>
      keep(await preprocessStreamed(image, index, preprocess, { ...decode, signal })),
    )
    return { image, pixels, error: undefined }
  } catch (error) {
    if (!isOfImage(error)) throw error
    nameOperation(error, operation)
    return { image, pixels: undefined, error }
  }
}

async function prepareBatch(
  images: ImageInput[],
  first: number,
  batching: Batching,
  signal: AbortSignal,
): Promise<Prepared[]> {
  const all = images.map((image, i) => prepare(image, first + i, batching, signal))
  const results = await Promise.allSettled(all)
  const batch = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed === undefined) return batch
  free(batch)
  throw failed.reason
}

async function joined(images: Tensor[]): Promise<Tensor> {
  const [only] = images
  return images.length === 1 && only ? only : operators.cat(images)
}

/** An image with its result, or with what went wrong. */
type Done<Result> = { image: ImageInput; result: Result; error?: undefined } | Failed

async function runBatch<Result>(
  batch: readonly Prepared[],
  { run }: Pick<StreamSteps<Result, unknown>, 'run'>,
  signal: AbortSignal,
): Promise<Done<Result>[]> {
  const good = batch.flatMap(({ pixels }) => pixels ?? [])
  try {
    const results = good.length === 0 ? [] : await scope(async () => run(await joined(good), signal))
    let next = 0
    return batch.map(({ image, error }) => (error ? { image, error } : { image, result: results[next++] as Result }))
  } finally {
    free(batch)
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
      return prepareBatch(batch, begun - batch.length, batching, stop.signal)
    },
    discard: free,
  })
  const finished = workAhead(prepared, {
    ahead: 2,
    work: (batch: Prepared[]) => runBatch(batch, steps, stop.signal),
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
