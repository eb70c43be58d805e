import { defineOptions, parseOptions } from '../core/options.js'
import { packagedJson } from '../io/packaged-json.js'
import type { ModelArgs } from './model-args.js'
import { type ArchitectureName, requireArchitecture, weightlessFiles } from './registry.js'

/** A tensor that a program takes or gives; letters stand for any size. */
export interface TensorSpec {
  name: string
  dtype: string
  shape: readonly (number | 'N' | 'H' | 'W')[]
}

/** What lies beside a weightless archive, in the words of timm where it has some. */
export interface Manifest {
  /** The archive's file name in data/architectures. */
  archive: string
  /** Of the archive. */
  sha256: string
  architecture: ArchitectureName
  /** Versions that made it. */
  torch: string
  timm: string
  /** SPDX identifier, in lower case, of the program and of the weights that it is known for. */
  license: string
  /** The classes that pretrained weights were trained for; null where they are none of ours. */
  labels: 'imagenet-1k' | null
  inputs: readonly TensorSpec[]
  outputs: readonly TensorSpec[]
  num_classes: number
  num_features: number
  output_stride: number
  feature_info: readonly { module: string; channels: number; reduction: number }[]
  group_matcher: Readonly<Record<string, unknown>>
  /** timm's, with the preprocessing. */
  pretrained_cfg: Readonly<Record<string, unknown>>
}

// Which strides there are is the architecture's to say.
const manifestOptions = defineOptions((z) => ({ outputStride: z.custom<number>().optional() }))

/** Throws ERR_TORCH_INVALID_ARGUMENT for an architecture or an output stride that this package has not. */
export function manifestOf(architecture: ArchitectureName, options?: Pick<ModelArgs, 'outputStride'>): Manifest {
  const operation = 'manifestOf'
  const { outputStride } = parseOptions(manifestOptions, options, operation)
  const { manifest } = weightlessFiles(requireArchitecture(architecture, operation), outputStride, operation)
  return packagedJson(manifest) as Manifest
}
