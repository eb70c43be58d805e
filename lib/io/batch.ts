import { ops } from '../core/ops.js'
import { type OptionsOutput, parseOptions } from '../core/options.js'
import { settle } from '../core/settle.js'
import { Tensor } from '../core/tensor.js'
import { type Decoded, decode } from './image.js'
import { type CallContext, forAll, writeEntry } from './image-entries.js'
import { type ImageInput, type NamedImage, namedImages } from './image-input.js'
import { type BatchOptions, batchOptions } from './preprocess-config.js'
import { keepRatio, normalizationTable, requireSides, type Size } from './preprocess-plan.js'

type Resolved = OptionsOutput<typeof batchOptions>

export interface ImageBatch {
  /** float32 [N, 3, height, width], or uint8 with `normalize: false`; 0 (normalized: the mean colour) beyond an image. */
  pixels: Tensor
  /** bool [N, height, width]: true where a pixel is of the image, false where it is padding. */
  mask: Tensor
}

function sizeOf(image: Size, name: string, { fit, inputSize }: Resolved): Size {
  const [, height, width] = inputSize ?? [3, 224, 224]
  if (fit === 'resize') return { width, height }
  if (inputSize === undefined) return { width: image.width, height: image.height }
  return requireSides(keepRatio(image, { width, height }, true), image, name)
}

/** bool [N, along the given axis of three]: true below the lengths. */
async function below(lengths: readonly number[], longest: number, shape: number[]): Promise<Tensor> {
  const limits = Tensor.from(BigInt64Array.from(lengths, BigInt), [lengths.length, 1, 1])
  const places = Tensor.from(
    BigInt64Array.from({ length: longest }, (_, i) => BigInt(i)),
    shape,
  )
  try {
    return await ops.lt(places, limits)
  } finally {
    limits.dispose()
    places.dispose()
  }
}

async function maskOf(sizes: readonly Size[], { width, height }: Size): Promise<Tensor> {
  const rows = await below(
    sizes.map((size) => size.height),
    height,
    [1, height, 1],
  )
  const columns = await below(
    sizes.map((size) => size.width),
    width,
    [1, 1, width],
  )
  try {
    return await ops.logicalAnd(rows, columns)
  } finally {
    rows.dispose()
    columns.dispose()
  }
}

async function assemble(images: readonly Decoded[], sizes: readonly Size[], options: Resolved, context: CallContext) {
  const table = options.normalize ? normalizationTable(options.mean, options.std) : undefined
  const width = Math.max(...sizes.map((size) => size.width))
  const height = Math.max(...sizes.map((size) => size.height))
  const dtype = table ? 'float32' : 'uint8'
  const pixels = await ops.zeros([images.length, 3, height, width], { dtype })
  try {
    await forAll(images, options.signal, async (image, index) => {
      const placement = { filter: options.interpolation, left: 0, top: 0, fill: [0, 0, 0], table }
      await writeEntry(pixels, index, image, { ...placement, ...(sizes[index] as Size) }, context)
    })
    return { pixels, mask: await maskOf(sizes, { width, height }) }
  } catch (error) {
    pixels.dispose()
    throw error
  }
}

async function run(images: NamedImage[], options: Resolved, context: CallContext): Promise<ImageBatch> {
  const decoded = await forAll(images, options.signal, (image, _, signal) => decode(image, options, signal))
  const sizes = decoded.map((image, index) => sizeOf(image, images[index]?.name ?? '', options))
  return assemble(decoded, sizes, options, context)
}

/**
 * Images of different sizes in one tensor, resampled as Pillow 13 does, byte for byte.
 *
 * fit 'resize': `Image.resize` to `inputSize`, the mask being true everywhere. fit 'pad': each image as it is, or scaled
 * into the box of `inputSize` as timm's `ResizeKeepRatio(longest=1)` does, in the top left corner; right of it and below
 * it pixels are 0 and the mask false. All images are decoded before the first is written, because the largest decides.
 *
 * Rejects as `preprocess` does.
 */
export async function batch(images: ImageInput | readonly ImageInput[], options: BatchOptions): Promise<ImageBatch> {
  const operation = 'batch'
  const resolved = parseOptions(batchOptions, options, operation)
  const start = async (context: CallContext) => run(namedImages(images), resolved, context)
  const discard = ({ pixels, mask }: ImageBatch) => {
    pixels.dispose()
    mask.dispose()
  }
  return settle(operation, { start, convert: (result) => result, discard }, resolved.signal)
}
