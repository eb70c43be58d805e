import { invalidArgument, torchError } from '../core/errors.js'
import { defineOptions, type OptionsOutput } from '../core/options.js'
import { type ImagesOptions, imagesFields } from './over-images.js'
import type { FeatureInfo } from './program-info.js'

/** Unlike a schema it stops at the first element that is none. */
export const isIntegerArray = (value: unknown) =>
  Array.isArray(value) && value.findIndex((item) => !Number.isSafeInteger(item)) < 0

const isNames = (value: unknown) =>
  Array.isArray(value) && value.length > 0 && value.findIndex((item) => typeof item !== 'string' || item === '') < 0

export const featuresOptions = defineOptions((z) => ({
  indices: z.custom<readonly number[]>(isIntegerArray, 'an array of integers').optional(),
  nodes: z.custom<readonly string[]>(isNames, 'an array of names of layers').optional(),
  ...imagesFields(z),
}))

export type ParsedFeatures = OptionsOutput<typeof featuresOptions>

interface SelectedScales {
  /** Which scales of `featureInfo`, at least one, negative ones from the end. Default all. */
  indices?: readonly number[] | undefined
  nodes?: undefined
}

interface SelectedLayers {
  /** Layers by name instead, in any order: ['layer3.1.conv2']. */
  nodes: readonly string[]
  indices?: undefined
}

/** Either scales or layers. */
export type FeatureSelection = SelectedScales | SelectedLayers

/** What a caller may have said, before it is known that it is only one of them. */
export interface AnySelection {
  indices?: readonly number[] | undefined
  nodes?: readonly string[] | undefined
}

export type FeaturesOptions = FeatureSelection & ImagesOptions

/**
 * Which of `count` scales, from 0 on, as timm's feature_take_indices reads a list: negative ones from the end. Throws
 * ERR_TORCH_INVALID_ARGUMENT where there is none, or one is out of range.
 */
export function scaleIndices(indices: readonly number[], count: number, operation: string): number[] {
  if (indices.length === 0) throw invalidArgument('indices', 'at least one index', indices, { operation })
  return indices.map((index) => {
    if (index >= -count && index < count) return index < 0 ? index + count : index
    throw invalidArgument('indices', `integers from ${-count} to ${count - 1}`, index, { operation })
  })
}

/** Which scales of `featureInfo` are asked for, from 0 on. Throws ERR_TORCH_INVALID_ARGUMENT. */
export function selectedScales(
  indices: readonly number[] | undefined,
  featureInfo: readonly FeatureInfo[] | undefined,
  operation: string,
): number[] {
  if (featureInfo === undefined) {
    const message = `Expected nodes for ${operation}, because nothing says which layers give the features of this model`
    throw torchError('ERR_TORCH_INVALID_ARGUMENT', message, { operation })
  }
  return scaleIndices(indices ?? [...featureInfo.keys()], featureInfo.length, operation)
}

/** The names of the layers that are asked for. Throws ERR_TORCH_INVALID_ARGUMENT. */
export function selectedNodes(
  { indices, nodes }: AnySelection,
  featureInfo: readonly FeatureInfo[] | undefined,
  operation: string,
): readonly string[] {
  if (nodes === undefined) {
    return selectedScales(indices, featureInfo, operation).map((scale) => featureInfo?.[scale]?.module as string)
  }
  if (indices === undefined) return nodes
  throw invalidArgument('the options', 'either indices or nodes', { indices, nodes }, { operation })
}
