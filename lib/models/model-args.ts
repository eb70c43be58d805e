import { invalidArgument } from '../core/errors.js'
import { defineOptions, type OptionsOutput } from '../core/options.js'

type Z = Parameters<Parameters<typeof defineOptions>[0]>[0]

/** timm's names: 'fast' ones reduce without an adaptive pool, 'cat' ones give twice the features, '' none at all. */
export const globalPools = [
  'avg',
  'max',
  'avgmax',
  'catavgmax',
  'fast',
  'fastavg',
  'fastmax',
  'fastavgmax',
  'fastcatavgmax',
  '',
] as const
export type GlobalPool = (typeof globalPools)[number]

const mostClasses = 1_000_000
const mostChannels = 4096

export const numClassesField = (z: Z) => z.int().min(0).max(mostClasses)
export const globalPoolField = (z: Z) => z.enum(globalPools)
export const dropRateField = (z: Z) => z.number().min(0).lt(1)

export const modelArgsFields = (z: Z) => ({
  numClasses: numClassesField(z).optional(),
  globalPool: globalPoolField(z).optional(),
  inChans: z.int().min(1).max(mostChannels).optional(),
  dropRate: dropRateField(z).optional(),
  outputStride: z.int().min(1).max(1024).optional(),
})

export const modelArgsOptions = defineOptions(modelArgsFields)

/** What timm.create_model takes, as far as a model here can have it. */
export interface ModelArgs {
  /** 0: no classifier, `forward` gives the pooled features. */
  numClasses?: number | undefined
  globalPool?: GlobalPool | undefined
  /** Channels of the input. Weights for other channels are adapted as timm does: summed for 1, repeated for more. */
  inChans?: number | undefined
  /** Dropout before the classifier, in training mode only. */
  dropRate?: number | undefined
  /** 8 or 16 keep larger maps by dilated convolutions, with the same weights. */
  outputStride?: number | undefined
}

export type ParsedModelArgs = OptionsOutput<typeof modelArgsOptions>

/** How many times the channels of the last map a pooled vector has. */
export const pooledTimes = (pool: GlobalPool) => (pool.endsWith('catavgmax') ? 2 : 1)

/** Throws ERR_TORCH_INVALID_ARGUMENT for a classifier without a pool. */
export function checkHead({ numClasses, globalPool }: { numClasses: number; globalPool: GlobalPool }, verb: string) {
  if (globalPool !== '' || numClasses === 0) return
  throw invalidArgument(`numClasses of ${verb}`, "0 with globalPool ''", numClasses, { operation: verb })
}
