import { TorchError, torchError } from '../core/errors.js'
import { isJsonObject, type JsonObject } from '../core/json-object.js'
import { parseOptions } from '../core/options.js'
import { type ModelPreprocessConfig, modelPreprocessConfig } from '../io/preprocess-config.js'
import { readText } from '../io/text-file.js'
import { requireBuiltArgs } from './built-args.js'
import { type LabelOffset, labelOffset, noOffset } from './label-offset.js'
import { imagenetLabels, type Label, labelsByIndex } from './labels.js'
import { modelArgsOptions, type ParsedModelArgs } from './model-args.js'
import { isArchitecture, withoutTag } from './registry.js'
import { weightsName } from './weights-name.js'

/** What timm writes beside weights: config.json of a repository, or metadata.json inside our archives. */
export interface PretrainedConfig {
  /** timm's name of the model, without a tag, where it is known. */
  architecture: string | undefined
  /** The preprocessing as it was written; `preprocessing` checks it. */
  written: JsonObject
  /** The size and crop that timm tests with, where they differ. */
  writtenForTest: JsonObject
  /** What create_model was given for these weights; undefined where nothing says it. */
  args: ParsedModelArgs
  /** One per logit; undefined where nothing says what the logits mean. */
  labels: readonly Label[] | undefined
  /** Where it was written, for messages. */
  place: string
}

/** Nulls count as missing, as they do for timm. */
function present(values: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined))
}

/** [3, H, W]: images have three channels, whatever the network takes. */
function imageSize(inputSize: unknown): unknown {
  const isSize = Array.isArray(inputSize) && inputSize.length === 3 && Number.isSafeInteger(inputSize[0])
  return isSize && inputSize[0] > 0 ? [3, ...inputSize.slice(1)] : inputSize
}

/** By the names of `preprocess`; what timm left out takes its defaults. */
function writtenPreprocessing(pretrained: JsonObject): JsonObject {
  const { input_size, interpolation, crop_pct: cropPct, crop_mode: cropMode, mean, std } = pretrained
  return present({ inputSize: imageSize(input_size), interpolation, cropPct, cropMode, mean, std })
}

const writtenForTest = ({ test_input_size, test_crop_pct: cropPct }: JsonObject) =>
  present({ inputSize: imageSize(test_input_size), cropPct })

function modelArgsOf({ model_args: args }: JsonObject, place: string): JsonObject {
  if (args === undefined || args === null) return {}
  if (isJsonObject(args)) return args
  throw torchError('ERR_TORCH_FILE_FORMAT', `Expected an object for model_args in ${place} but received another value`)
}

/**
 * As timm's load_model_config_from_hf and build_model_with_cfg gather them: save_for_hf writes `global_pool` beside
 * `pretrained_cfg` for people only.
 */
function writtenArgs(config: JsonObject, pretrained: JsonObject, place: string): ParsedModelArgs {
  const args = modelArgsOf(config, place)
  const channels = Array.isArray(pretrained.input_size) ? pretrained.input_size[0] : undefined
  const given = present({
    numClasses: args.num_classes ?? config.num_classes ?? pretrained.num_classes,
    globalPool: args.global_pool ?? pretrained.global_pool,
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

function parseObject(text: string, place: string): JsonObject {
  let config: unknown
  try {
    config = JSON.parse(text)
  } catch (cause) {
    throw torchError('ERR_TORCH_FILE_FORMAT', `Expected JSON in ${place} but received other text`, { cause })
  }
  if (!isJsonObject(config)) {
    throw torchError('ERR_TORCH_FILE_FORMAT', `Expected a JSON object in ${place} but received another value`)
  }
  return config
}

/** timm's _parse_model_cfg: an older form has all in one object, and another word for label names. */
function inTodaysForm(config: JsonObject): JsonObject & { pretrained_cfg: JsonObject } {
  const { pretrained_cfg, labels, ...rest } = config
  if (isJsonObject(pretrained_cfg)) return { ...config, pretrained_cfg }
  const pretrained = { ...rest, label_names: labels ?? rest.label_names }
  return { ...pretrained, pretrained_cfg: pretrained }
}

function configOf(json: JsonObject, place: string): PretrainedConfig {
  const config = inTodaysForm(json)
  const { pretrained_cfg: pretrained } = config
  const classes = config.num_classes ?? pretrained.num_classes
  return {
    architecture: typeof config.architecture === 'string' ? withoutTag(config.architecture) : undefined,
    written: writtenPreprocessing(pretrained),
    writtenForTest: writtenForTest(pretrained),
    args: writtenArgs(config, pretrained, place),
    labels: labelsOf(config.label_names ?? pretrained.label_names, classes, place),
    place,
  }
}

/** Throws ERR_TORCH_FILE_FORMAT where the text is no JSON object or its labels are none. `place` is for messages. */
export const parsePretrainedConfig = (text: string, place: string): PretrainedConfig =>
  configOf(parseObject(text, place), place)

const readObject = async (file: string) => parseObject(await readText(file), file)

/** timm's load_pretrained: where the model has other classes than the weights, their classifier is none of its own. */
function offsetOf(json: JsonObject, file: string): LabelOffset {
  const config = inTodaysForm(json)
  const { num_classes: wanted } = modelArgsOf(config, file)
  const classes = config.num_classes ?? config.pretrained_cfg.num_classes
  return (wanted ?? classes) === classes ? labelOffset(config.pretrained_cfg, file) : noOffset
}

/** Of weights that an architecture of this package is filled with. Rejects with ERR_TORCH_DISK and ERR_TORCH_FILE_FORMAT. */
export async function readPretrainedConfig(file: string): Promise<{ config: PretrainedConfig; offset: LabelOffset }> {
  const json = await readObject(file)
  const config = configOf(json, file)
  if (isArchitecture(config.architecture)) requireBuiltArgs(modelArgsOf(json, file), config.architecture, file)
  return { config, offset: offsetOf(json, file) }
}

/** The file with the weights, beside the configuration in its repository. Rejects as `readPretrainedConfig`. */
export async function readWeightsName(file: string): Promise<string> {
  return weightsName(inTodaysForm(await readObject(file)).pretrained_cfg.hf_hub_filename, file)
}

/**
 * The model's own preprocessing with the caller's changes; `forTest` as timm's resolve_data_config with use_test_size.
 * Throws ERR_TORCH_INVALID_ARGUMENT and ERR_TORCH_UNKNOWN_OPTION for the changes, ERR_TORCH_FILE_FORMAT for what was
 * written.
 */
export function preprocessing(
  { written, writtenForTest, place }: PretrainedConfig,
  { changes, forTest }: { changes: ModelPreprocessConfig | undefined; forTest: boolean },
  verb: string,
): ModelPreprocessConfig {
  parseOptions(modelPreprocessConfig, changes, `preprocess of ${verb}`)
  const merged = { ...written, ...(forTest ? writtenForTest : {}), ...present({ ...changes }) }
  withFormatErrors(() => parseOptions(modelPreprocessConfig, merged, `the preprocessing in ${place}`))
  return merged
}
