// A heat map drawn over its photograph: the evidence glows, the rest is dimmed.
import sharp from 'sharp'
import { ops, scope, Tensor } from '../../dist/index.js'

/** From nothing to all the evidence that there is. */
const stops = [
  [0, 0, 4],
  [81, 18, 124],
  [183, 55, 121],
  [252, 137, 97],
  [252, 253, 191],
]
const dimmed = 0.35
const outline = 200

/** heat: 0 to 1. */
export function heatColour(heat) {
  const position = Math.min(Math.max(heat, 0), 1) * (stops.length - 1)
  const below = Math.min(Math.floor(position), stops.length - 2)
  const share = position - below
  return stops[below].map((value, channel) => value + share * (stops[below + 1][channel] - value))
}

/** Where timm's center crop lies in a picture of this size: {left, top, side}, in pixels. */
function cropIn(width, height, { inputSize, cropPct }) {
  const [, , size] = inputSize
  const side = Math.round((Math.min(width, height) * size) / Math.floor(size / cropPct))
  return { left: Math.round((width - side) / 2), top: Math.round((height - side) / 2), side }
}

/** The cells of a heat map as a square of pixels, 0 to 1: what speaks against the class is 0. */
function smooth({ values, height, width }, side) {
  return scope(async () => {
    const cells = Tensor.from(values, [1, 1, height, width])
    const pixels = await (await ops.interpolate(cells, { size: [side, side], mode: 'bicubic' })).data('float32')
    const most = Math.max(...values)
    return pixels.map((value) => Math.min(Math.max(value / most, 0), 1))
  })
}

/** Resolves to a PNG, `width` pixels wide, of the whole photograph; what the model saw of it is framed. */
export async function heatPicture(file, heatMap, { preprocessing, width }) {
  const photograph = sharp(file).resize({ width }).toColourspace('srgb').removeAlpha()
  const { data, info } = await photograph.raw().toBuffer({ resolveWithObject: true })
  const crop = cropIn(info.width, info.height, preprocessing)
  const heat = await smooth(heatMap, crop.side)
  for (let y = 0; y < info.height; y++) {
    for (let x = 0; x < info.width; x++) {
      const [column, row] = [x - crop.left, y - crop.top]
      const inside = column >= 0 && row >= 0 && column < crop.side && row < crop.side
      const edge = inside && (Math.min(column, row) === 0 || Math.max(column, row) === crop.side - 1)
      const own = inside ? heat[row * crop.side + column] : 0
      const cover = inside ? 0.45 + 0.2 * own : 1 - dimmed
      const colour = edge ? [outline, outline, outline] : heatColour(own)
      for (const [channel, value] of colour.entries()) {
        const at = (y * info.width + x) * 3 + channel
        data[at] = (1 - cover) * data[at] + cover * value
      }
    }
  }
  const { width: across, height: down } = info
  return sharp(data, { raw: { width: across, height: down, channels: 3 } })
    .png()
    .toBuffer()
}
