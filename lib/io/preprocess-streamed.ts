import { isOurs, TorchError } from '../core/errors.js'
import { ops } from '../core/ops.js'
import { scope } from '../core/scope.js'
import { Tensor } from '../core/tensor.js'
import { forAll } from './image-entries.js'
import { type ImageInput, type NamedImage, namedImage } from './image-input.js'
import { type BatchFlow, preprocessBatch } from './preprocess.js'
import type { PreprocessConfig, PreprocessOptions } from './preprocess-config.js'

/** What became of some images of a stream. */
export interface Preprocessed {
  /** float32 [N, 3, height, width], in their order, of the N images that can be looked at; undefined where none can. */
  pixels: Tensor | undefined
  /** One per image: what is wrong with it. */
  errors: (TorchError | undefined)[]
}

/** The error of a bad image. Throws any other: an abort, a defect. */
function ofImage(error: unknown): TorchError {
  if (error instanceof TorchError && isOurs(error) && error.details?.image !== undefined) return error
  throw error
}

function named(image: ImageInput, position: string): NamedImage | TorchError {
  try {
    return namedImage(image, position)
  } catch (error) {
    return ofImage(error)
  }
}

/** The batch itself, or, where some images are bad, one of the others. */
async function withoutBad(batch: Tensor, errors: Preprocessed['errors']): Promise<Tensor | undefined> {
  const good = errors.flatMap((error, index) => (error === undefined ? index : []))
  if (good.length === errors.length) return batch
  try {
    if (good.length === 0) return undefined
    return await scope(() => ops.indexSelect(batch, 0, Tensor.from(good, { dtype: 'int64' })))
  } finally {
    batch.dispose()
  }
}

/**
 * As `preprocess`, for images of a stream that come after `first` others; a list is none. Bad ones are left out of the
 * batch, and their errors are part of the result. Rejects with what is no image's fault.
 */
export function preprocessStreamed(
  images: readonly ImageInput[],
  first: number,
  config?: PreprocessConfig,
  options?: PreprocessOptions,
): Promise<Preprocessed> {
  const flow: BatchFlow<NamedImage | TorchError, Preprocessed> = {
    images: () => images.map((image, index) => named(image, `image ${first + index}`)),
    fill: async (found, { batch, write }, signal) => {
      const errors = await forAll(found, signal, async (image, index, signal) => {
        if (image instanceof TorchError) return image
        return write(image, index, signal).then(() => undefined, ofImage)
      })
      return { pixels: await withoutBad(batch, errors), errors }
    },
    discard: ({ pixels }) => pixels?.dispose(),
  }
  return preprocessBatch(flow, config, options)
}
