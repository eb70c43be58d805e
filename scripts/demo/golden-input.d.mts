export interface GoldenImages {
  /** [N, C, H, W] */
  shape: number[]
  seed: number
  /** edge of a tile in pixels */
  tile: number
}

export function goldenImages(rule: GoldenImages, batch?: number): Float32Array<ArrayBuffer>

export function goldenInput(golden: { input: GoldenImages; logits: number[] }): {
  input: Float32Array<ArrayBuffer>
  shape: number[]
  logits: number[]
}
