import { defineOptions, type OptionsOutput, signalField } from '../core/options.js'
import { type DecodeOptions, defaultMaxPixels } from './image.js'

export type Interpolation = 'bilinear' | 'bicubic'
/** One number for all channels, or one for each of red, green and blue. */
export type ChannelValues = readonly [number] | readonly [number, number, number]

/** timm's data config (`resolve_data_config`), with its defaults. */
export interface PreprocessConfig {
  /** [3, height, width] of an entry. Default [3, 224, 224]. */
  inputSize?: readonly [3, number, number] | undefined
  /** Pillow's filter of that name. Default 'bicubic'. */
  interpolation?: Interpolation | undefined
  /** Share of the resized image's side that an entry shows. Default 0.875. */
  cropPct?: number | undefined
  /**
   * 'center' (default): the shortest side fills the entry, the rest is cut. 'squash': both sides fill it, whatever the
   * ratio. 'border': the longest side fills it, the rest is filled with the mean colour.
   */
  cropMode?: 'center' | 'squash' | 'border' | undefined
  /** Of values between 0 and 1. Default ImageNet's [0.485, 0.456, 0.406]. */
  mean?: ChannelValues | undefined
  /** Default ImageNet's [0.229, 0.224, 0.225]. */
  std?: ChannelValues | undefined
}

/** A model's own: how its images are decoded, where a call does not say it, and what becomes of them. */
export interface ModelPreprocessConfig extends PreprocessConfig, DecodeOptions {}

export interface PreprocessOptions extends DecodeOptions {
  /** false: entries are uint8, as they are before normalization. Default true. */
  normalize?: boolean | undefined
  signal?: AbortSignal | undefined
}

export interface BatchOptions extends PreprocessOptions {
  /**
   * 'resize': every image becomes exactly `inputSize`, whatever its ratio. 'pad': every image keeps its ratio and lies
   * in the top left corner of its entry; entries are as high and wide as the highest and widest image.
   */
  fit: 'resize' | 'pad'
  /** [3, height, width]. 'resize': default [3, 224, 224]. 'pad': the box that each image is scaled into; default none. */
  inputSize?: readonly [3, number, number] | undefined
  /** Default 'bicubic'. */
  interpolation?: Interpolation | undefined
  /** As in PreprocessConfig. */
  mean?: ChannelValues | undefined
  std?: ChannelValues | undefined
}

const largestSide = 16384
const sizeText = `[3, height, width] with sides from 1 to ${largestSide}`
const valuesText = 'one or three finite numbers'
const stdText = 'one or three finite numbers other than 0'

type Z = Parameters<Parameters<typeof defineOptions>[0]>[0]

const inputSize = (z: Z) => {
  const side = z.int(sizeText).min(1, sizeText).max(largestSide, sizeText)
  return z.tuple([z.literal(3, sizeText), side, side], sizeText)
}

const values = (z: Z, text: string, accepts: (value: number) => boolean) => {
  // The length first: an array may have 4 billion holes.
  const isValues = (given: unknown) =>
    Array.isArray(given) &&
    (given.length === 1 || given.length === 3) &&
    [...given].every((value) => typeof value === 'number' && accepts(value))
  return z.custom<[number] | [number, number, number]>(isValues, text)
}

const normalization = (z: Z) => ({
  mean: values(z, valuesText, Number.isFinite).default([0.485, 0.456, 0.406]),
  std: values(z, stdText, (value) => Number.isFinite(value) && value !== 0).default([0.229, 0.224, 0.225]),
})

/** The fields of DecodeOptions, without defaults. */
export const decodeFields = (z: Z) => ({
  autoOrient: z.boolean().optional(),
  maxPixels: z
    .int()
    .min(1)
    .max(2 ** 31)
    .optional(),
})

const running = (z: Z) => {
  const { autoOrient, maxPixels } = decodeFields(z)
  return {
    normalize: z.boolean().default(true),
    autoOrient: autoOrient.default(false),
    maxPixels: maxPixels.default(defaultMaxPixels),
    signal: signalField(z),
  }
}

const configFields = (z: Z) => ({
  inputSize: inputSize(z).default([3, 224, 224]),
  interpolation: z.enum(['bilinear', 'bicubic']).default('bicubic'),
  cropPct: z.number().gt(0).max(16).default(0.875),
  cropMode: z.enum(['center', 'squash', 'border']).default('center'),
  ...normalization(z),
})

export const preprocessConfig = defineOptions(configFields)

export const modelPreprocessConfig = defineOptions((z) => ({ ...configFields(z), ...decodeFields(z) }))

export const preprocessOptions = defineOptions(running)

export const batchOptions = defineOptions((z) => ({
  fit: z.enum(['resize', 'pad']),
  inputSize: inputSize(z).optional(),
  interpolation: z.enum(['bilinear', 'bicubic']).default('bicubic'),
  ...normalization(z),
  ...running(z),
}))

export const decodeOptions = defineOptions((z) => {
  const { autoOrient, maxPixels, signal } = running(z)
  return { autoOrient, maxPixels, signal }
})

export type ResolvedConfig = OptionsOutput<typeof preprocessConfig>
