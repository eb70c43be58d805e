// One photograph beside its heat map, the others below, as one PNG.
import sharp from 'sharp'
import { heatColour } from './heat-picture.mjs'
import { textImage } from './text-image.mjs'

const [gap, captionHeight, footHeight, scaleWidth, scaleHeight] = [16, 34, 30, 160, 10]

/** What the colours mean, from nothing to the most. */
function colourScale() {
  const pixels = Buffer.alloc(scaleWidth * scaleHeight * 3)
  for (let i = 0; i < scaleWidth * scaleHeight; i++) pixels.set(heatColour((i % scaleWidth) / (scaleWidth - 1)), i * 3)
  return sharp(pixels, { raw: { width: scaleWidth, height: scaleHeight, channels: 3 } })
    .png()
    .toBuffer()
}

/** `main`: {file, picture, name, caption}; `others`: {picture, caption} each; pictures are PNGs. */
export async function writeHeatSheet(target, main, others, { panelWidth, credits }) {
  const { height } = await sharp(main.picture).metadata()
  const width = 3 * gap + 2 * panelWidth
  const cell = Math.floor((width - (others.length + 1) * gap) / others.length)
  const right = 2 * gap + panelWidth
  const [captions, second] = [gap + height + 9, gap + height + captionHeight + gap]
  const photograph = await sharp(main.file).resize(panelWidth, height).toColourspace('srgb').png().toBuffer()
  const scaleLeft = width - gap - scaleWidth
  const layers = [
    { input: photograph, left: gap, top: gap },
    { input: main.picture, left: right, top: gap },
    { input: await textImage(main.name, 13), left: gap, top: captions },
    { input: await textImage(main.caption, 13), left: right, top: captions },
    { input: await colourScale(), left: scaleLeft, top: captions },
    { input: await textImage('none', 8, '#a0a0a0'), left: scaleLeft, top: captions + scaleHeight + 4 },
    { input: await textImage('most', 8, '#a0a0a0'), left: width - gap - 28, top: captions + scaleHeight + 4 },
  ]
  for (const [i, { picture, caption }] of others.entries()) {
    const left = gap + i * (cell + gap)
    layers.push({ input: await sharp(picture).resize(cell, cell).png().toBuffer(), left, top: second })
    layers.push({ input: await textImage(caption, 10), left, top: second + cell + 8 })
  }
  const foot = second + cell + captionHeight + gap / 2
  layers.push({ input: await textImage(credits, 9), left: gap, top: foot })
  await sharp({ create: { width, height: foot + footHeight, channels: 3, background: '#202020' } })
    .composite(layers)
    .png()
    .toFile(target)
}
