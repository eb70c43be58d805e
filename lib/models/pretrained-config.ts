import { readFile } from 'node:fs/promises'
import { TorchError, torchError } from '../core/errors.js'
import { parseOptions } from '../core/options.js'
import { withDiskErrors } from '../io/disk-error.js'
import { type PreprocessConfig, preprocessConfig } from '../io/preprocess-config.js'
import { imagenetLabels, type Label, labelsByIndex } from './labels.js'
import { modelArgsOptions, type ParsedModelArgs } from './model-args.js'

type Json = Readonly<Record<string, unknown>>

/** What timm writes beside weights: config.json of a repository, or metadata.json inside our archives. */
export interface PretrainedConfig {
  /** timm's name of the model, where it is known. */
  architecture: string | undefined
  /** The preprocessing as it was written; `preprocessing` checks it. */
  written: Json
  /** The size and crop that timm tests with, where they differ. */
  writtenForTest: Json
  /** What create_model was given for these weights; undefined where nothing says it. */
  args: ParsedModelArgs
  /** One per logit; undefined where nothing says what the logits mean. */
  labels: readonly Label[] | undefined
  /** Where it was written, for messages. */
  place: string
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Nulls count as missing, as they do for timm. */
function present(values: Json): Json {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined))
}

/** [3, H, W]: images have three channels, whatever the network takes. */
function imageSize(inputSize: unknown): unknown {
  const isSize = Array.isArray(inputSize) && inputSize.length === 3 && Number.isSafeInteger(inputSize[0])
  return isSize && inputSize[0] > 0 ? [3, ...inputSize.slice(1)] : inputSize
}

/** By the names of `preprocess`; what timm left out takes its defaults. */
function writtenPreprocessing(pretrained: Json): Json {
  const { input_size, interpolation, crop_pct: cropPct, crop_mode: cropMode, mean, std } = pretrained
  return present({ inputSize: imageSize(input_size), interpolation, cropPct, cropMode, mean, std })
}

const writtenForTest = ({ test_input_size, test_crop_pct: cropPct }: Json) =>
  present({ inputSize: imageSize(test_input_size), cropPct })

/** As timm's load_model_config_from_hf and build_model_with_cfg gather them. */
function writtenArgs(config: Json, pretrained: Json, place: string): ParsedModelArgs {
  const args: Json = isObject(config.model_args) ? config.model_args : {}
  const channels = Array.isArray(pretrained.input_size) ? pretrained.input_size[0] : undefined
  const given = present({
    numClasses: args.num_classes ?? config.num_classes ?? pretrained.num_classes,
    globalPool: args.global_pool ?? config.global_pool ?? pretrained.global_pool,
    inChans: args.in_chans ?? channels,
    dropRate: args.drop_rate,
    outputStride: args.output_stride,
  })
  return withFormatErrors(() => parseOptions(modelArgsOptions, given, `the model of ${place}`))
}

/** What is wrong in a file is no mistake of the caller's. */
function withFormatErrors<T>(parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (cause instanceof TorchError) throw torchError('ERR_TORCH_FILE_FORMAT', cause.message, { cause })
    throw cause
  }
}

/** A repository's own names, a list or by index, else ImageNet's where there are 1,000 classes. */
function labelsOf(names: unknown, classes: unknown, place: string): readonly Label[] | undefined {
  if (names === undefined || names === null) return classes === 1000 ? imagenetLabels() : undefined
  const labels = labelsByIndex(names)
  if (labels !== undefined) return labels
  const message = `Expected a list of names, or names by index, for label_names in ${place} but received another value`
  throw torchError('ERR_TORCH_FILE_FORMAT', message)
}

/** Throws ERR_TORCH_FILE_FORMAT where the text is no JSON object or its labels are none. `place` is for messages. */
export function parsePretrainedConfig(text: string, place: string): PretrainedConfig {
  let config: unknown
  try {
    config = JSON.parse(text)
  } catch (cause) {
    throw torchError('ERR_TORCH_FILE_FORMAT', `Expected JSON in ${place} but received other text`, { cause })
  }
  if (!isObject(config)) {
    throw torchError('ERR_TORCH_FILE_FORMAT', `Expected a JSON object in ${place} but received another value`)
  }
  const pretrained = isObject(config.pretrained_cfg) ? config.pretrained_cfg : config
  const classes = config.num_classes ?? pretrained.num_classes
  return {
    architecture: typeof config.architecture === 'string' ? config.architecture : undefined,
    written: writtenPreprocessing(pretrained),
    writtenForTest: writtenForTest(pretrained),
    args: writtenArgs(config, pretrained, place),
    labels: labelsOf(config.label_names ?? pretrained.label_names, classes, place),
    place,
  }
}

/** Rejects with ERR_TORCH_DISK and ERR_TORCH_FILE_FORMAT. */
export async function readPretrainedConfig(file: string): Promise<PretrainedConfig> {
  return parsePretrainedConfig(await withDiskErrors(file, () => readFile(file, 'utf8')), file)
}

/**
 * The model's own preprocessing with the caller's changes; `forTest` as timm's resolve_data_config with use_test_size.
 * Throws ERR_TORCH_INVALID_ARGUMENT and ERR_TORCH_UNKNOWN_OPTION for the changes, ERR_TORCH_FILE_FORMAT for what was
 * written.
 */
export function preprocessing(
  { written, writtenForTest, place }: PretrainedConfig,
  { changes, forTest }: { changes: PreprocessConfig | undefined; forTest: boolean },
  verb: string,
): PreprocessConfig {
  parseOptions(preprocessConfig, changes, `preprocess of ${verb}`)
  const merged = { ...written, ...(forTest ? writtenForTest : {}), ...present({ ...changes }) }
  withFormatErrors(() => parseOptions(preprocessConfig, merged, `the preprocessing in ${place}`))
  return merged
}
