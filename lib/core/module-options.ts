import { type DType, isDType } from './dtype.js'
import { defineOptions, type SignalOptions, signalField } from './options.js'

const laneText = 'an integer from 0 to 63'

export const moduleLoadOptions = defineOptions((z) => ({
  device: z.string({ error: "a device such as 'cpu' or 'cuda:0'" }).default('cpu'),
  dtype: z.custom<DType>(isDType, "a dtype such as 'bfloat16'").optional(),
  lane: z.int(laneText).min(0, laneText).max(63, laneText).default(0),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, '64 hexadecimal digits')
    .optional(),
  signal: signalField(z),
}))

export interface ModuleLoadOptions extends SignalOptions {
  /** Default 'cpu'. */
  device?: string | undefined
  /** Converts the floating point weights. Default: as stored. */
  dtype?: DType | undefined
  /**
   * The submission thread of the device, 0 to 63: modules on different lanes of a device run side by side. Default 0, which
   * operators and tensors use too. Calls run first in, first out on each lane; between lanes there is no order but that of
   * `await`.
   */
  lane?: number | undefined
  /** The archive must have this SHA-256, in hexadecimal. */
  sha256?: string | undefined
}

export const sourceOptions = defineOptions((z) => ({
  lane: z.int(laneText).min(0, laneText).max(63, laneText).default(0),
  signal: signalField(z),
}))

export interface SourceOptions extends SignalOptions {
  /** As in ModuleLoadOptions. */
  lane?: number | undefined
}

export const moduleToOptions = defineOptions((z) => ({
  device: z.string({ error: "a device such as 'cpu' or 'cuda:0'" }).optional(),
  dtype: z.custom<DType>(isDType, "a dtype such as 'bfloat16'").optional(),
  channelsLast: z.boolean().default(false),
  signal: signalField(z),
}))

export interface ModuleToOptions extends SignalOptions {
  device?: string | undefined
  dtype?: DType | undefined
  /** Stores weights of 4 dimensions as N H W C, which convolutions on CPUs and tensor cores like. Default false. */
  channelsLast?: boolean | undefined
}

/** Unlike a schema it stops at the first element that is none: an array of 4 billion holes is made in no time. */
const isStringArray = (value: unknown) =>
  Array.isArray(value) && value.findIndex((item) => typeof item !== 'string') < 0

export const freezeOptions = defineOptions((z) => ({
  preserve: z.custom<string[]>(isStringArray, 'an array of strings').default([]),
  channelsLast: z.boolean().default(false),
  optimize: z.boolean().default(false),
  signal: signalField(z),
}))

export interface FreezeOptions extends SignalOptions {
  /** Methods to keep besides forward. */
  preserve?: string[] | undefined
  channelsLast?: boolean | undefined
  /**
   * Faster convolutions on CPUs: those of float32 run with the sum and relu that follow, 3x3 ones by Winograd's algorithm.
   * Its error is some ten times a plain sum's, at most 2e-6 of the largest sum of absolute products, and an infinite number
   * makes its neighbours NaN. Fastest with `channelsLast`: other results are put back into their order. Modules without
   * such convolutions, and those on other devices, go through torch.jit.optimize_for_inference. Such a module has no
   * gradients, computes in float32 under autocast, and cannot be saved. Default false.
   */
  optimize?: boolean | undefined
}

export const layersArgument = defineOptions((z) => ({
  layers: z.custom<string[]>(isStringArray, 'an array of names of layers'),
}))

export const trainableOptions = defineOptions((z) => ({
  parameters: z.custom<string[]>(isStringArray, 'an array of names').default([]),
  submodules: z.custom<string[]>(isStringArray, 'an array of names').default([]),
  signal: signalField(z),
}))

export interface TrainableOptions extends SignalOptions {
  /** Names of parameters: whether they get gradients. */
  parameters?: readonly string[] | undefined
  /** Names of submodules: whether they follow `train`, or stay in evaluation mode. */
  submodules?: readonly string[] | undefined
}

export const loadStateDictOptions = defineOptions((z) => ({
  strict: z.boolean().default(true),
  anyShape: z.boolean().default(false),
  signal: signalField(z),
}))

export interface LoadStateDictOptions extends SignalOptions {
  /** Whether missing and unexpected names are errors. Default true. */
  strict?: boolean | undefined
  /** Whether tensors may have other shapes than those whose place they take: for another number of classes. Default false. */
  anyShape?: boolean | undefined
}

export const warmupOptions = defineOptions((z) => ({
  runs: z.int().min(1).max(1000).default(3),
  dtype: z.custom<DType>(isDType, "a dtype such as 'float32'").default('float32'),
  method: z.string().default('forward'),
  signal: signalField(z),
}))

export interface WarmupOptions extends SignalOptions {
  /** Default 3, after which TorchScript's executor has settled. */
  runs?: number | undefined
  /** Of the inputs. Default 'float32'. */
  dtype?: DType | undefined
  /** Default 'forward'. */
  method?: string | undefined
}

export const saveOptions = defineOptions((z) => ({
  extraFiles: z.record(z.string(), z.string()).default({}),
  signal: signalField(z),
}))

export interface SaveOptions extends SignalOptions {
  /** Files to store beside the program: name to text. */
  extraFiles?: Record<string, string> | undefined
}
