// Text as a picture, in a font of our own: a bare machine has none.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import sharp from 'sharp'

const fontFile = join(
  createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json'),
  '..',
  'ttf',
  'DejaVuSans.ttf',
)
const escaped = (text) => text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character])

/** A PNG on nothing. size: in points. */
export function textImage(text, size, colour = '#f0f0f0') {
  const markup = `<span foreground="${colour}">${escaped(text)}</span>`
  const options = { text: markup, fontfile: fontFile, font: `DejaVu Sans ${size}`, dpi: 96, rgba: true }
  return sharp({ text: options }).png().toBuffer()
}
