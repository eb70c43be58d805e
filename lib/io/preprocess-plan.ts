import { imageError } from './image-input.js'
import type { Interpolation, ResolvedConfig } from './preprocess-config.js'

/** How an image becomes one entry of a batch. */
export interface Placement {
  filter: Interpolation
  /** The size that the whole image is resampled to. */
  width: number
  height: number
  /** Where the entry's top left corner lies in the resampled image; negative: the entry begins before it. */
  left: number
  top: number
  /** What the entry holds beyond the image, in its own units. */
  fill: number[]
  /** What each byte of red, green and blue becomes; undefined: bytes stay bytes. */
  table: Float32Array | undefined
}

export interface Size {
  width: number
  height: number
}

/** Python's round(): halves go to the even neighbour. */
export function roundHalfEven(value: number): number {
  const below = Math.floor(value)
  const rest = value - below
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1
  return below % 2 === 0 ? below : below + 1
}

/**
 * 3 x 256 elements: torchvision's ToTensor and Normalize for each byte, in float32 step by step. (A float64 quotient
 * rounded to float32 is the float32 quotient.)
 */
export function normalizationTable(mean: readonly number[], std: readonly number[]): Float32Array {
  const table = new Float32Array(3 * 256)
  for (let channel = 0; channel < 3; channel++) {
    const m = Math.fround(mean[channel % mean.length] as number)
    const s = Math.fround(std[channel % std.length] as number)
    for (let byte = 0; byte < 256; byte++) {
      table[channel * 256 + byte] = Math.fround(Math.fround(byte / 255) - m) / s
    }
  }
  return table
}

/** torchvision's Resize(size): the shortest side becomes `size`, the longest is cut to an integer. */
function shortestSide({ width, height }: Size, size: number): Size {
  const longest = Math.trunc((size * Math.max(width, height)) / Math.min(width, height))
  return width <= height ? { width: size, height: longest } : { width: longest, height: size }
}

/** timm's ResizeKeepRatio: within the box (`longest`), or covering it. */
export function keepRatio({ width, height }: Size, box: Size, longest: boolean): Size {
  const [across, down] = [width / box.width, height / box.height]
  const ratio = longest ? Math.max(across, down) : Math.min(across, down)
  return { width: roundHalfEven(width / ratio), height: roundHalfEven(height / ratio) }
}

/** The first line or column that a centered crop of `target` shows of `source`; what is smaller is centered in it. */
function centered(source: number, target: number): number {
  return target > source ? -Math.floor((target - source) / 2) : roundHalfEven((source - target) / 2)
}

function resized(image: Size, scaled: Size, cropMode: ResolvedConfig['cropMode']): Size {
  if (cropMode === 'squash') return scaled
  if (cropMode === 'border') return keepRatio(image, scaled, true)
  return scaled.width === scaled.height ? shortestSide(image, scaled.width) : keepRatio(image, scaled, false)
}

/** Pillow keeps positions in float32, and so no side may be larger. */
const largestSide = 2 ** 24

/** Throws ERR_TORCH_IMAGE. */
export function requireSides(size: Size, image: Size, name: string): Size {
  if ([size.width, size.height].every((side) => side >= 1 && side <= largestSide)) return size
  const becomes = `${image.width} x ${image.height} becomes ${size.width} x ${size.height}`
  const message = `Expected an image that can be resized to sides from 1 to ${largestSide} but ${name} of ${becomes}`
  throw imageError('shape', name, message)
}

/** How timm's transform treats an image of this size. Throws ERR_TORCH_IMAGE for one that it reduces to nothing. */
export function placeImage(
  config: ResolvedConfig,
  table: Float32Array | undefined,
  image: Size,
  name: string,
): Placement {
  const [, height, width] = config.inputSize
  const scaled = { width: Math.floor(width / config.cropPct), height: Math.floor(height / config.cropPct) }
  const size = requireSides(resized(image, scaled, config.cropMode), image, name)
  const colour = [0, 1, 2].map((channel) => {
    const mean = config.mean[channel % config.mean.length] as number
    return config.cropMode === 'border' ? Math.min(Math.max(roundHalfEven(255 * mean), 0), 255) : 0
  })
  return {
    filter: config.interpolation,
    ...size,
    left: centered(size.width, width),
    top: centered(size.height, height),
    fill: table === undefined ? colour : colour.map((byte, channel) => table[channel * 256 + byte] as number),
    table,
  }
}
