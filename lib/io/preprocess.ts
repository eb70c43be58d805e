import { ops } from '../core/ops.js'
import { parseOptions } from '../core/options.js'
import { settle } from '../core/settle.js'
import type { Tensor } from '../core/tensor.js'
import { decode } from './image.js'
import { type CallContext, forAll, writeEntry } from './image-entries.js'
import { type ImageInput, type NamedImage, namedImages } from './image-input.js'
import {
  type PreprocessConfig,
  type PreprocessOptions,
  preprocessConfig,
  preprocessOptions,
} from './preprocess-config.js'
import { normalizationTable, placeImage } from './preprocess-plan.js'

/** A batch of zeros, and how an image becomes one of its entries. */
export interface OpenBatch {
  batch: Tensor
  write(image: NamedImage, index: number, signal: AbortSignal): Promise<void>
}

/** How the images of one call become a batch. */
export interface BatchFlow<Image, Result> {
  /** One entry each. */
  images(): readonly Image[]
  /** Writes the entries. Where it fails the batch is freed. */
  fill(images: readonly Image[], open: OpenBatch, signal: AbortSignal | undefined): Promise<Result>
  /** Gives back a result that nobody will see. */
  discard(result: Result): void
}

/** Rejects as `preprocess` does. */
export async function preprocessBatch<Image, Result>(
  flow: BatchFlow<Image, Result>,
  config: PreprocessConfig | undefined,
  options: PreprocessOptions | undefined,
): Promise<Result> {
  const operation = 'preprocess'
  const resolved = parseOptions(preprocessConfig, config, operation)
  const running = parseOptions(preprocessOptions, options, operation)
  const start = async (context: CallContext) => {
    const images = flow.images()
    const table = running.normalize ? normalizationTable(resolved.mean, resolved.std) : undefined
    const batch = await ops.zeros([images.length, ...resolved.inputSize], { dtype: table ? 'float32' : 'uint8' })
    const write: OpenBatch['write'] = async (image, index, signal) => {
      const decoded = await decode(image, running, signal)
      signal.throwIfAborted()
      await writeEntry(batch, index, decoded, placeImage(resolved, table, decoded, image.name), context)
    }
    try {
      return await flow.fill(images, { batch, write }, running.signal)
    } catch (error) {
      batch.dispose()
      throw error
    }
  }
  return settle(operation, { start, convert: (result) => result, discard: flow.discard }, running.signal)
}

/**
 * timm's evaluation transform (`create_transform(**data_config)` of timm 1.0.31 with Pillow 13.0.0), byte for byte:
 * decode, convert to RGB, resize, crop, normalize. Off the JS thread; images are decoded one after another as slots
 * of libuv's pool are free, and no decoded image is kept longer than its entry takes.
 *
 * images: one or several JPEG, PNG, WebP, TIFF or GIF images (the first frame). Returns float32 [N, 3, height, width]
 * with N = 1 for one image; uint8 with `normalize: false`.
 *
 * Rejects with ERR_TORCH_IMAGE (the message names the file, or 'image 3', counted from 0; `details.reason` says more),
 * ERR_TORCH_INVALID_ARGUMENT, ERR_TORCH_UNKNOWN_OPTION, ERR_TORCH_SHAPE (pixels that do not fill width and height),
 * ERR_TORCH_DEPENDENCY (sharp does not load) and the signal's reason.
 */
export function preprocess(
  images: ImageInput | readonly ImageInput[],
  config?: PreprocessConfig,
  options?: PreprocessOptions,
): Promise<Tensor> {
  return preprocessPart(images, 0, config, options)
}

/** As `preprocess`, for a part of a longer list that begins at `first`, from where messages count. */
export function preprocessPart(
  images: ImageInput | readonly ImageInput[],
  first: number,
  config?: PreprocessConfig,
  options?: PreprocessOptions,
): Promise<Tensor> {
  const flow: BatchFlow<NamedImage, Tensor> = {
    images: () => namedImages(images, first),
    fill: async (named, { batch, write }, signal) => {
      await forAll(named, signal, write)
      return batch
    },
    discard: (batch) => batch.dispose(),
  }
  return preprocessBatch(flow, config, options)
}
