import { ops } from '../core/ops.js'
import { type OptionsOutput, parseOptions } from '../core/options.js'
import { settle } from '../core/settle.js'
import type { Tensor } from '../core/tensor.js'
import { type Decoded, type DecodeOptions, decode } from './image.js'
import { type CallContext, forAll, writeEntry } from './image-entries.js'
import { type ImageInput, type NamedImage, namedImages } from './image-input.js'
import { decodeOptions } from './preprocess-config.js'

export interface DecodeImageOptions extends DecodeOptions {
  signal?: AbortSignal | undefined
}

type Running = OptionsOutput<typeof decodeOptions>

async function run(image: NamedImage, options: Running, context: CallContext): Promise<Tensor> {
  const [decoded] = await forAll([image], options.signal, (only, _, signal) => decode(only, options, signal))
  const { width, height } = decoded as Decoded
  const entries = await ops.zeros([1, 3, height, width], { dtype: 'uint8' })
  const placement = { filter: 'bicubic', width, height, left: 0, top: 0, fill: [0, 0, 0], table: undefined } as const
  try {
    await writeEntry(entries, 0, decoded as Decoded, { ...placement, fill: [...placement.fill] }, context)
    return await ops.squeeze(entries, 0)
  } finally {
    entries.dispose()
  }
}

/**
 * Pillow's `Image.open(image).convert('RGB')`, byte for byte, as uint8 [3, height, width] (torchvision's `pil_to_tensor`).
 * Rejects as `preprocess` does.
 */
export async function decodeImage(image: ImageInput, options?: DecodeImageOptions): Promise<Tensor> {
  const operation = 'decodeImage'
  const running = parseOptions(decodeOptions, options, operation)
  const start = async (context: CallContext) => run(namedImages(image)[0] as NamedImage, running, context)
  return settle(
    operation,
    { start, convert: (tensor) => tensor, discard: (tensor) => tensor.dispose() },
    running.signal,
  )
}
