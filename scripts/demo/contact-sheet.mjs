// Photographs in a grid with a caption under each, as one PNG.
import sharp from 'sharp'
import { textImage } from './text-image.mjs'

const [columns, cell, captionHeight, footHeight, gap] = [3, 240, 36, 30, 12]

/** `pictures`: {file, caption} each; `credits`: one line at the foot, for the authors whose licence asks for it. */
export async function writeContactSheet(target, pictures, credits) {
  const rows = Math.ceil(pictures.length / columns)
  const layers = []
  for (const [i, { file, caption }] of pictures.entries()) {
    const left = gap + (i % columns) * (cell + gap)
    const top = gap + Math.floor(i / columns) * (cell + captionHeight + gap)
    layers.push({ input: await sharp(file).resize(cell, cell).toColourspace('srgb').png().toBuffer(), left, top })
    layers.push({ input: await textImage(caption, 13), left, top: top + cell + 8 })
  }
  const grid = rows * (cell + captionHeight + gap)
  layers.push({ input: await textImage(credits, 9), left: gap, top: gap + grid })
  await sharp({
    create: {
      width: gap + columns * (cell + gap),
      height: gap + grid + footHeight,
      channels: 3,
      background: '#202020',
    },
  })
    .composite(layers)
    .png()
    .toFile(target)
}
