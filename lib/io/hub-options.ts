import type * as Zod from 'zod'
import { defineOptions, type OptionsOutput, signalField } from '../core/options.js'
import { type HubRepositoryType, repositoryTypes } from './hub-repository.js'

/** What every call of the hub takes. */
export const hubFields = (z: typeof Zod.z) => ({
  revision: z.string().optional(),
  type: z.enum(repositoryTypes).default('model'),
  token: z.custom<string | false>().optional(), // checked by requireToken, which does not show it
  endpoint: z.custom<string>((value) => typeof value === 'string', 'the address of a hub').optional(),
  offline: z.boolean().optional(),
  force: z.boolean().default(false),
  retries: z.int().min(0).max(100).default(5),
  retryDelaySeconds: z.number().min(0).max(60).default(1),
  timeoutSeconds: z.number().min(0.1).max(3600).optional(),
  signal: signalField(z),
})

export const hubFileOptions = defineOptions(hubFields)

/** `hub.file`'s options as one field of a verb's that may have to fetch something, and has a signal of its own. */
export const hubField = (z: typeof Zod.z) => {
  const { signal: _, ...fields } = hubFields(z)
  return z.strictObject(fields).optional()
}

/** Unlike a schema it stops at the first element that is none: an array may have 4 billion holes. */
const isPatterns = (value: unknown) =>
  typeof value === 'string' || (Array.isArray(value) && value.findIndex((item) => typeof item !== 'string') < 0)

export const hubSnapshotOptions = defineOptions((z) => {
  const patterns = () => z.custom<string | string[]>(isPatterns, 'a pattern or an array of patterns')
  return {
    ...hubFields(z),
    allow: patterns().optional(),
    ignore: patterns().optional(),
    parallel: z.int().min(1).max(64).default(8),
  }
})

export type ParsedHubOptions = OptionsOutput<typeof hubFileOptions>
export type ParsedSnapshotOptions = OptionsOutput<typeof hubSnapshotOptions>

/** Options of `hub.file`. */
export interface HubFileOptions {
  /** A branch, a tag or a commit. Default: that of the name ('org/name@revision'), or 'main'. */
  revision?: string | undefined
  /** Default 'model'. */
  type?: HubRepositoryType | undefined
  /** Default: HF_TOKEN, or the token that `hf auth login` stored. `false`: none. */
  token?: string | false | undefined
  /** The hub's address. Default: HF_ENDPOINT, or the public hub. */
  endpoint?: string | undefined
  /** Takes what the cache has and never asks the network. Default: HF_HUB_OFFLINE. */
  offline?: boolean | undefined
  /** Fetches also what is in the cache, and replaces it. Default false. */
  force?: boolean | undefined
  /** How often a request is tried again without progress, 0 to 100. Default 5. */
  retries?: number | undefined
  /** Seconds before the first retry, doubled each time up to 30. Default 1. */
  retryDelaySeconds?: number | undefined
  /** The longest silence of a server in seconds. Default: HF_HUB_DOWNLOAD_TIMEOUT, or 10. */
  timeoutSeconds?: number | undefined
  /** Ends the work and rejects with `signal.reason`; what was received is continued by the next call. */
  signal?: AbortSignal | undefined
}

/** Options of `hub.snapshot`. */
export interface HubSnapshotOptions extends HubFileOptions {
  /**
   * Only files that match one of these, as Python's fnmatch does: `*` goes across folders, 'unet/' means all below it.
   * Default: all.
   */
  allow?: string | readonly string[] | undefined
  /** Not the files that match one of these. */
  ignore?: string | readonly string[] | undefined
  /** Files that are fetched at the same time, 1 to 64. Default 8. */
  parallel?: number | undefined
}
