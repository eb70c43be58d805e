// What scripts/golden/resnet_surface.py made of timm's ResNets.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { Tensor } from '../../lib/core/tensor.js'
import type { FeatureInfo, GlobalPool, ResNetName } from '../../lib/models/index.js'
import { goldenImages } from '../../scripts/demo/golden-input.mjs'
import { repositoryRoot } from './source-files.js'

export interface Sample {
  shape: number[]
  mean: number
  /** into the row-major order */
  positions: number[]
  values: number[]
  /** all values of the first row, of logits and the like */
  first?: number[]
}

interface SurfaceGolden {
  input: { shape: [number, number, number, number]; seed: number; tile: number }
  models: {
    model: ResNetName
    outputStride: number
    logits: Sample
    features: Sample
    preLogits: Sample
    intermediates: Sample[]
    stoppedEarly: { features: Sample; intermediates: Sample[] }
    featureInfo: Omit<FeatureInfo, 'index'>[]
    numFeatures: number
  }[]
  pools: { pool: GlobalPool; preLogits: Sample; logits: Sample }[]
  channels: { inChans: number; weight: Sample; logits: Sample }[]
  layers: Record<string, Sample>
  linear: { seed: number; weight: Sample; bias: Sample }
  groups: {
    model: ResNetName | 'tf_efficientnet_lite0'
    frozen: boolean
    options: { layer_decay?: number; min_scale?: number; weight_decay?: number; no_weight_decay_list?: string[] }
    groups: [number, number, string[]][]
  }[]
  heads: { segmentation: Sample; regression: Sample }
  photos: {
    options: {
      use_test_size: boolean
      crop_mode?: 'squash' | 'border'
      input_size?: [3, number, number]
      crop_pct?: number
      interpolation?: 'bilinear'
    }
    shape: number[]
    sha256: string
    logits: Sample
    embedding: Sample
  }[]
  frozenTraining: {
    names: string[]
    trainable: string[]
    logits: Sample
    runningMeans: Record<string, Sample>
  }
}

export const surfaceFile = join(repositoryRoot, 'test', 'golden', 'resnet-surface.json')
export const surface: SurfaceGolden = JSON.parse(readFileSync(surfaceFile, 'utf8'))

/** The golden's images, float32 [2, C, 96, 96]. */
export function surfaceImages(channels = 3): Tensor {
  const {
    shape: [batch, , height, width],
    seed,
    tile,
  } = surface.input
  const shape = [batch, channels, height, width]
  return Tensor.from(goldenImages({ shape, seed, tile }), shape)
}

/**
 * In parts of the largest value: other instruction sets, and batch norms that are folded into their convolutions, move
 * results by a few 1e-6 of it.
 */
export const tolerance = 1e-5

export async function expectSample(tensor: Tensor, golden: Sample, within = tolerance): Promise<void> {
  expect(tensor.shape).toEqual(golden.shape)
  const numbers = await tensor.data('float32')
  expect(golden.positions.length).toBeGreaterThan(3)
  const sampled = golden.positions.map((position, i) => [position, golden.values[i] ?? Number.NaN] as const)
  const expected = [...sampled, ...(golden.first ?? []).entries()]
  const allowed = within * Math.max(...expected.map(([, value]) => Math.abs(value)))
  for (const [position, value] of expected) {
    const actual = numbers[position] ?? Number.NaN
    // Tens of thousands are compared: an `expect` for each would take seconds.
    if (!(Math.abs(actual - value) <= allowed)) expect.fail(`element ${position}: ${actual} for ${value}`)
  }
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length
  expect(Math.abs(mean - golden.mean)).toBeLessThanOrEqual(allowed)
}
