import { ops } from '../core/ops.js'
import { parseOptions } from '../core/options.js'
import { settle } from '../core/settle.js'
import type { Tensor } from '../core/tensor.js'
import { decode } from './image.js'
import { type CallContext, forAll, writeEntry } from './image-entries.js'
import { type ImageInput, type NamedImage, namedImage, namedImages } from './image-input.js'
import {
  type PreprocessConfig,
  type PreprocessOptions,
  preprocessConfig,
  preprocessOptions,
  type ResolvedConfig,
} from './preprocess-config.js'
import { normalizationTable, placeImage } from './preprocess-plan.js'

type Running = ReturnType<typeof readOptions>

const readOptions = (options: PreprocessOptions | undefined, verb: string) =>
  parseOptions(preprocessOptions, options, verb)

async function run(images: NamedImage[], config: ResolvedConfig, options: Running, context: CallContext) {
  const table = options.normalize ? normalizationTable(config.mean, config.std) : undefined
  const batch = await ops.zeros([images.length, ...config.inputSize], { dtype: table ? 'float32' : 'uint8' })
  try {
    await forAll(images, options.signal, async (image, index, signal) => {
      const decoded = await decode(image, options, signal)
      signal.throwIfAborted()
      await writeEntry(batch, index, decoded, placeImage(config, table, decoded, image.name), context)
    })
    return batch
  } catch (error) {
    batch.dispose()
    throw error
  }
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
  return preprocessNamed(() => namedImages(images, first), config, options)
}

/**
 * As `preprocess`, for the image of a stream that comes after `index` others; a list is none. `details.image` of the error
 * names the image where it is to blame, and only there.
 */
export function preprocessStreamed(
  image: ImageInput,
  index: number,
  config?: PreprocessConfig,
  options?: PreprocessOptions,
): Promise<Tensor> {
  return preprocessNamed(() => [namedImage(image, `image ${index}`)], config, options)
}

async function preprocessNamed(
  images: () => NamedImage[],
  config: PreprocessConfig | undefined,
  options: PreprocessOptions | undefined,
): Promise<Tensor> {
  const operation = 'preprocess'
  const resolved = parseOptions(preprocessConfig, config, operation)
  const running = readOptions(options, operation)
  const start = async (context: CallContext) => run(images(), resolved, running, context)
  const discard = (batch: Tensor) => batch.dispose()
  return settle(operation, { start, convert: (batch) => batch, discard }, running.signal)
}
