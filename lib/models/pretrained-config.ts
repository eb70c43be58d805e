import { readFile } from 'node:fs/promises'
import { torchError } from '../core/errors.js'
import type { ChannelValues, PreprocessConfig } from '../io/preprocess-config.js'
import { imagenetLabels, type Label } from './labels.js'

/** What timm writes beside weights: config.json of a repository, or metadata.json inside our archives. */
export interface PretrainedConfig {
  /** timm's name of the model, where it is known. */
  architecture: string | undefined
  preprocess: PreprocessConfig
  /** One per logit; undefined where nothing says what the logits mean. */
  labels: readonly Label[] | undefined
}

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const numbers = (value: unknown): number[] | undefined =>
  Array.isArray(value) && value.every((item) => typeof item === 'number') ? value : undefined
const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

/** timm's `pretrained_cfg`; what it leaves out takes the default of `preprocess`, which also checks the numbers. */
function preprocessOf(config: Json): PreprocessConfig {
  const { interpolation, crop_mode: cropMode } = config
  return {
    inputSize: numbers(config.input_size) as readonly [3, number, number] | undefined,
    interpolation: interpolation === 'bicubic' || interpolation === 'bilinear' ? interpolation : undefined,
    cropPct: number(config.crop_pct),
    cropMode: cropMode === 'center' || cropMode === 'squash' || cropMode === 'border' ? cropMode : undefined,
    mean: numbers(config.mean) as ChannelValues | undefined,
    std: numbers(config.std) as ChannelValues | undefined,
  }
}

/** A repository's own names, a list or by index, else ImageNet's where there are 1,000 classes. */
function labelsOf(config: Json, classes: number | undefined): readonly Label[] | undefined {
  const names = config.label_names
  const list = Array.isArray(names) ? names : isObject(names) ? Object.values(names) : undefined
  if (list !== undefined) return list.map((name) => ({ wordnetId: '', names: [String(name)] }))
  return classes === 1000 ? imagenetLabels() : undefined
}

/** Throws ERR_TORCH_FILE_FORMAT where the text is no JSON object. `place` is for the message. */
export function parsePretrainedConfig(text: string, place: string): PretrainedConfig {
  let config: unknown
  try {
    config = JSON.parse(text)
  } catch (cause) {
    throw torchError('ERR_TORCH_FILE_FORMAT', `Expected JSON in ${place} but received other text`, { cause })
  }
  if (!isObject(config)) throw torchError('ERR_TORCH_FILE_FORMAT', `Expected a JSON object in ${place}`)
  const pretrained = isObject(config.pretrained_cfg) ? config.pretrained_cfg : config
  const classes = number(config.num_classes) ?? number(pretrained.num_classes)
  return {
    architecture: typeof config.architecture === 'string' ? config.architecture : undefined,
    preprocess: preprocessOf(pretrained),
    labels: labelsOf(config, classes),
  }
}

export async function readPretrainedConfig(file: string): Promise<PretrainedConfig> {
  return parsePretrainedConfig(await readFile(file, 'utf8'), file)
}
