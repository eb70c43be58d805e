import { isJsonObject } from '../core/json-object.js'

/** One scale of a network's features. */
export interface FeatureInfo {
  index: number
  /** The layer that gives it. */
  module: string
  channels: number
  /** Pixels of the input per cell, in each direction. */
  reduction: number
}

/** timm's `group_matcher`: regular expressions by group, or several of them, each with a number behind its groups. */
export type GroupMatcher = Readonly<Record<string, string | readonly (readonly [string, readonly number[] | null])[]>>

/** What an archive says of its program in metadata.json. */
export interface ProgramInfo {
  featureInfo: readonly FeatureInfo[] | undefined
  groupMatcher: GroupMatcher | undefined
  /** Channels of the last feature map. */
  numFeatures: number | undefined
  outputStride: number | undefined
  /** Names of layers: 'fc', 'conv1'. */
  classifier: string | undefined
  firstConv: string | undefined
}

const asText = (value: unknown) => (typeof value === 'string' ? value : undefined)
const asNumber = (value: unknown) => (typeof value === 'number' ? value : undefined)

function featureInfo(value: unknown): FeatureInfo[] | undefined {
  if (!Array.isArray(value)) return undefined
  const rows = value.map((row, index) => ({ index, ...(row as Omit<FeatureInfo, 'index'>) }))
  const isRow = ({ module, channels, reduction }: FeatureInfo) =>
    typeof module === 'string' && typeof channels === 'number' && typeof reduction === 'number'
  return rows.every(isRow) ? rows : undefined
}

/** What is missing, or is not as the export scripts write it, is undefined. */
export function programInfo(metadata: string | undefined): ProgramInfo {
  let json: unknown
  try {
    json = JSON.parse(metadata ?? '{}')
  } catch {
    // Whoever reads the configuration in it says so.
  }
  const { feature_info, group_matcher, num_features, output_stride, pretrained_cfg } = isJsonObject(json) ? json : {}
  const config = isJsonObject(pretrained_cfg) ? pretrained_cfg : {}
  return {
    featureInfo: featureInfo(feature_info),
    groupMatcher: isJsonObject(group_matcher) ? (group_matcher as GroupMatcher) : undefined,
    numFeatures: asNumber(num_features),
    outputStride: asNumber(output_stride),
    classifier: asText(config.classifier),
    firstConv: asText(config.first_conv),
  }
}
