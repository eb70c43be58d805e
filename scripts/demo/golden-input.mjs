// Makes the images of a ResNet golden by the rule of scripts/export/fill.py, bit for bit.

/** uint32 to uint32, one to one: the `lowbias32` mixer of Chris Wellons' hash-prospector. */
export function hash32(value) {
  let mixed = value ^ (value >>> 16)
  mixed = Math.imul(mixed, 0x7feb352d)
  mixed ^= mixed >>> 15
  mixed = Math.imul(mixed, 0x846ca68b)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** float32 [batch,C,H,W] in [-2, 2): large tiles under fine noise. Image n is the same in every batch. */
export function goldenImages({ shape, seed, tile }, batch = shape[0]) {
  const [, channels, height, width] = shape
  const [fineStart, coarseStart] = [hash32(seed), hash32(seed + 1)]
  const [rows, columns] = [Math.ceil(height / tile), Math.ceil(width / tile)]
  const data = new Float32Array(batch * channels * height * width)
  let position = 0
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, position++) {
        const tilePosition = (plane * rows + Math.floor(y / tile)) * columns + Math.floor(x / tile)
        const fine = hash32(fineStart + position) >>> 10
        const coarse = hash32(coarseStart + tilePosition) >>> 10
        data[position] = (3 * coarse + fine - 2 ** 23) * 2 ** -22 // 24 bits: nothing is rounded
      }
    }
  }
  return data
}

/** Batch 1 of a golden, and Python's logits for it. */
export function goldenInput(golden) {
  const shape = [1, ...golden.input.shape.slice(1)]
  return { input: goldenImages(golden.input, 1), shape, logits: golden.logits }
}
