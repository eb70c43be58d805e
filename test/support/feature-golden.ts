// What scripts/golden/features.py made of the photographs.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FeatureInfo } from '../../lib/models/index.js'
import type { Sample } from './resnet-surface.js'
import { repositoryRoot } from './source-files.js'

export interface PhotoFeatures {
  scales: (Sample & Omit<FeatureInfo, 'index'>)[]
  embedding: Sample
  heatMap: { index: number; probability: number; height: number; width: number; values: number[] }
}

interface FeatureGolden {
  /** By file name. */
  photos: Record<string, PhotoFeatures>
  /** Of every photograph with every one, in the order of their names. */
  cosines: number[][]
}

export const featureGolden: Record<'tf_efficientnet_lite0' | 'resnet18', FeatureGolden> = JSON.parse(
  readFileSync(join(repositoryRoot, 'test', 'golden', 'features.json'), 'utf8'),
).models
