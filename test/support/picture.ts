/** uint8 RGB, interleaved: gradients, edges and noise. scripts/golden/images.py has the same rule. */
export function picture(width: number, height: number): Uint8Array {
  const pixels = new Uint8Array(width * height * 3)
  let at = 0
  for (let y = 0; y < height; y++) {
    const alongY = Math.imul(y, 19349663)
    for (let x = 0; x < width; x++) {
      const alongX = Math.imul(x, 73856093)
      const edge = 97 * (((x >> 4) ^ (y >> 4)) & 1) + y * 3
      for (let c = 0; c < 3; c++) {
        const noise = Math.imul(alongX ^ alongY ^ Math.imul(c, 83492791), 2654435761) >>> 26
        pixels[at++] = x * (c + 2) + edge + noise
      }
    }
  }
  return pixels
}
