import { readFile } from 'node:fs/promises'
import { TorchError, torchError } from '../core/errors.js'
import { parseOptions } from '../core/options.js'
import { withDiskErrors } from '../io/disk-error.js'
import { type PreprocessConfig, preprocessConfig } from '../io/preprocess-config.js'
import { imagenetLabels, type Label, labelsByIndex } from './labels.js'

type Json = Readonly<Record<string, unknown>>

/** What timm writes beside weights: config.json of a repository, or metadata.json inside our archives. */
export interface PretrainedConfig {
  /** timm's name of the model, where it is known. */
  architecture: string | undefined
  /** The preprocessing as it was written; `preprocessing` checks it. */
  written: Json
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

/** By the names of `preprocess`; what timm left out takes its defaults. */
function writtenPreprocessing(pretrained: Json): Json {
  const { input_size: inputSize, interpolation, crop_pct: cropPct, crop_mode: cropMode, mean, std } = pretrained
  return present({ inputSize, interpolation, cropPct, cropMode, mean, std })
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
    labels: labelsOf(config.label_names ?? pretrained.label_names, classes, place),
    place,
  }
}

/** Rejects with ERR_TORCH_DISK and ERR_TORCH_FILE_FORMAT. */
export async function readPretrainedConfig(file: string): Promise<PretrainedConfig> {
  return parsePretrainedConfig(await withDiskErrors(file, () => readFile(file, 'utf8')), file)
}

/**
 * The model's own preprocessing with the caller's changes. Throws ERR_TORCH_INVALID_ARGUMENT and
 * ERR_TORCH_UNKNOWN_OPTION for the changes, ERR_TORCH_FILE_FORMAT for what was written.
 */
export function preprocessing(
  { written, place }: PretrainedConfig,
  changes: PreprocessConfig | undefined,
  verb: string,
): PreprocessConfig {
  parseOptions(preprocessConfig, changes, `preprocess of ${verb}`)
  const merged = { ...written, ...present({ ...changes }) }
  try {
    parseOptions(preprocessConfig, merged, `the preprocessing in ${place}`)
    return merged
  } catch (cause) {
    if (cause instanceof TorchError) throw torchError('ERR_TORCH_FILE_FORMAT', cause.message, { cause })
    throw cause
  }
}
