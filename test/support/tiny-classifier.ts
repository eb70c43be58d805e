import { Module } from '../../lib/core/module.js'
import { scope } from '../../lib/core/scope.js'
import type { RawImage } from '../../lib/io/image-input.js'

/** Its three logits are the means of red, green and blue. */
const channelMeans = 'def forward(self, x):\n    return x.mean([2, 3])\n'

/** What metadata.json says of it; images become 8 x 8 and their bytes values from 0 to 1. */
export const tinyConfig = {
  architecture: 'channel-means',
  num_classes: 3,
  pretrained_cfg: { input_size: [3, 8, 8], crop_pct: 1, mean: [0], std: [1] },
}

/** A real archive of a few kilobytes; with the configuration null it says nothing of itself. */
export function tinyArchive(config: unknown = tinyConfig, source = channelMeans): Promise<Uint8Array> {
  return scope(async () => {
    const module = await Module.fromSource(source)
    const text = typeof config === 'string' ? config : JSON.stringify(config)
    return module.toBytes({ extraFiles: config === null ? {} : { 'metadata.json': text } })
  })
}

/** 8 x 8 pixels of one colour. */
export function plain(red: number, green: number, blue: number): RawImage {
  const pixels = new Uint8Array(8 * 8 * 3)
  for (let i = 0; i < pixels.length; i += 3) pixels.set([red, green, blue], i)
  return { pixels, width: 8, height: 8 }
}

/** Softmax of the means: what the archive says of `plain(...colour)`. */
export function plainProbabilities(...colour: [number, number, number]): number[] {
  const powers = colour.map((byte) => Math.exp(byte / 255))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}
