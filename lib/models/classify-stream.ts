import { TorchError } from '../core/errors.js'
import { operators } from '../core/operators.js'
import { scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'
import type { ImageInput } from '../io/image-input.js'
import type { Prediction } from './prediction.js'

/** One image of a stream: what it shows, or why it could not be looked at. */
export type Classified =
  | { image: ImageInput; predictions: Prediction[]; error?: undefined }
  | { image: ImageInput; predictions?: undefined; error: TorchError }

interface StreamSteps {
  /** float32 [1, 3, H, W] */
  preprocess(image: ImageInput, signal: AbortSignal | undefined): Promise<Tensor>
  /** pixels: float32 [N, 3, H, W] */
  classify(pixels: Tensor, signal: AbortSignal | undefined): Promise<Prediction[][]>
}

interface Prepared {
  image: ImageInput
  pixels: Tensor | undefined
  error: TorchError | undefined
}

/** A bad image is a result of its own; anything else (an abort, a defect) ends the stream. */
async function prepare(image: ImageInput, { preprocess }: StreamSteps, signal?: AbortSignal): Promise<Prepared> {
  try {
    return { image, pixels: await preprocess(image, signal), error: undefined }
  } catch (error) {
    if (error instanceof TorchError && error.code === 'ERR_TORCH_IMAGE') return { image, pixels: undefined, error }
    throw error
  }
}

/** Starts decoding ahead of what is asked for, at most `ahead` images, and gives them in order. */
async function* prepareAhead(
  images: AsyncIterable<ImageInput>,
  ahead: number,
  steps: StreamSteps,
  signal: AbortSignal | undefined,
): AsyncGenerator<Prepared> {
  const waiting: Promise<Prepared>[] = []
  try {
    for await (const image of images) {
      const pending = prepare(image, steps, signal)
      pending.catch(() => {}) // it is awaited in its turn
      waiting.push(pending)
      if (waiting.length >= ahead) yield (await waiting.shift()) as Prepared
    }
    while (waiting.length > 0) yield (await waiting.shift()) as Prepared
  } finally {
    // The reader left early: what was decoded for it is nobody's.
    for (const pending of waiting) pending.then(({ pixels }) => pixels?.dispose()).catch(() => {})
  }
}

async function classifyBatch(batch: Prepared[], steps: StreamSteps, signal?: AbortSignal): Promise<Classified[]> {
  const good = batch.flatMap(({ pixels }) => pixels ?? [])
  try {
    const predictions = good.length === 0 ? [] : await scope(async () => steps.classify(await joined(good), signal))
    let next = 0
    return batch.map(({ image, error }) =>
      error ? { image, error } : { image, predictions: predictions[next++] ?? [] },
    )
  } finally {
    for (const pixels of good) pixels.dispose()
  }
}

async function joined(images: Tensor[]): Promise<Tensor> {
  const [only] = images
  return images.length === 1 && only ? only : operators.cat(images)
}

async function* batchesOf(prepared: AsyncIterable<Prepared>, size: number): AsyncGenerator<Prepared[]> {
  let batch: Prepared[] = []
  for await (const item of prepared) {
    batch.push(item)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** Decodes while the model runs, holds at most three batches, and gives results in the order of the images. */
export async function* classifyStream(
  images: AsyncIterable<ImageInput>,
  { batchSize, signal }: { batchSize: number; signal?: AbortSignal | undefined },
  steps: StreamSteps,
): AsyncGenerator<Classified> {
  signal?.throwIfAborted()
  let running: Promise<Classified[]> | undefined
  const prepared = prepareAhead(images, 2 * batchSize, steps, signal)
  for await (const batch of batchesOf(prepared, batchSize)) {
    const previous = running
    running = classifyBatch(batch, steps, signal)
    running.catch(() => {}) // it is awaited in its turn
    if (previous !== undefined) yield* await previous
  }
  if (running !== undefined) yield* await running
}
