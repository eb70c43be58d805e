import { onAbort } from '../core/abort.js'
import { TorchError } from '../core/errors.js'
import { operators } from '../core/operators.js'
import { keep, scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'
import type { ImageInput } from '../io/image-input.js'
import { batchesOf } from './batches.js'
import type { Prediction } from './prediction.js'
import { untilAborted } from './until-aborted.js'
import { workAhead } from './work-ahead.js'

/** One image of a stream: what it shows, or why it could not be looked at. */
export type Classified =
  | { image: ImageInput; predictions: Prediction[]; error?: undefined }
  | { image: ImageInput; predictions?: undefined; error: TorchError }

interface StreamSteps {
  /** float32 [1, 3, H, W] */
  preprocess(image: ImageInput, signal: AbortSignal): Promise<Tensor>
  /** pixels: float32 [N, 3, H, W] */
  classify(pixels: Tensor, signal: AbortSignal): Promise<Prediction[][]>
}

interface Prepared {
  image: ImageInput
  pixels: Tensor | undefined
  error: TorchError | undefined
}

function free(batch: readonly Prepared[]): void {
  for (const { pixels } of batch) pixels?.dispose()
}

/** A bad image is a result of its own; anything else (an abort, a defect) ends the stream. */
async function prepare(image: ImageInput, { preprocess }: StreamSteps, signal: AbortSignal): Promise<Prepared> {
  try {
    // The scope in which the reader asks for a result may end long before this image has its turn.
    const pixels = await scope(async () => keep(await preprocess(image, signal)))
    return { image, pixels, error: undefined }
  } catch (error) {
    if (error instanceof TorchError && error.code === 'ERR_TORCH_IMAGE') return { image, pixels: undefined, error }
    throw error
  }
}

async function prepareBatch(images: ImageInput[], steps: StreamSteps, signal: AbortSignal): Promise<Prepared[]> {
  const results = await Promise.allSettled(images.map((image) => prepare(image, steps, signal)))
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

async function classifyBatch(
  batch: readonly Prepared[],
  steps: StreamSteps,
  signal: AbortSignal,
): Promise<Classified[]> {
  const good = batch.flatMap(({ pixels }) => pixels ?? [])
  try {
    const predictions = good.length === 0 ? [] : await scope(async () => steps.classify(await joined(good), signal))
    let next = 0
    return batch.map(({ image, error }) =>
      error ? { image, error } : { image, predictions: predictions[next++] ?? [] },
    )
  } finally {
    free(batch)
  }
}

/**
 * Gives results in the order of the images, each batch's as soon as it is through, whatever the source does meanwhile.
 * While the reader has those of one batch, the next is in the model and the one after it is decoded; no more is read
 * ahead.
 */
export async function* classifyStream(
  images: AsyncIterable<ImageInput>,
  { batchSize, signal }: { batchSize: number; signal?: AbortSignal | undefined },
  steps: StreamSteps,
): AsyncGenerator<Classified> {
  if (signal?.aborted) throw signal.reason
  const stop = new AbortController()
  const forget = signal && onAbort(signal, () => stop.abort(signal.reason))
  const prepared = workAhead(batchesOf(untilAborted(images, stop.signal), batchSize), {
    ahead: 2,
    work: (batch: ImageInput[]) => prepareBatch(batch, steps, stop.signal),
    discard: free,
  })
  const classified = workAhead(prepared, {
    ahead: 2,
    work: (batch: Prepared[]) => classifyBatch(batch, steps, stop.signal),
    discard: () => {},
  })
  try {
    for (;;) {
      const { done, value: results } = await classified.next()
      if (done) return
      for (const result of results) {
        if (signal?.aborted) throw signal.reason
        yield result
      }
    }
  } finally {
    forget?.()
    // Where the reader left early nobody needs what is under way, and only so does a read of a silent source end.
    stop.abort()
    await classified.return(undefined)
  }
}
