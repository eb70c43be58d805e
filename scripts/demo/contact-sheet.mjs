// Photographs in a grid with a caption under each, as one PNG.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import sharp from 'sharp'

const [columns, cell, captionHeight, footHeight, gap] = [3, 240, 36, 30, 12]
// A font of our own: a bare machine has none.
const fontFile = join(
  createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json'),
  '..',
  'ttf',
  'DejaVuSans.ttf',
)
const escaped = (text) => text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character])

function textImage(text, size) {
  const markup = `<span foreground="#f0f0f0">${escaped(text)}</span>`
  const options = { text: markup, fontfile: fontFile, font: `DejaVu Sans ${size}`, dpi: 96, rgba: true }
  return sharp({ text: options }).png().toBuffer()
}

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
