import { defineOptions, type OptionsOutput, signalField } from '../core/options.js'

export const installOptions = defineOptions((z) => ({
  variant: z.enum(['cpu', 'cuda']).optional(),
  version: z
    .string({ error: "a version such as '2.13' or '2.13.0'" })
    .regex(/^\d+\.\d+(\.\d+)?$/, "a version such as '2.13' or '2.13.0'")
    .optional(),
  index: z.string({ error: 'the address of a package index' }).min(1).optional(),
  findLinks: z.string({ error: 'a folder of wheels or the address of a page of links' }).min(1).optional(),
  from: z.string({ error: 'the path of a wheel or of a folder of wheels' }).min(1).optional(),
  force: z.boolean().default(false),
  allowUnverified: z.boolean().default(false),
  retries: z.int().min(0).max(100).default(5),
  retryDelaySeconds: z.number().min(0).max(60).default(1),
  timeoutSeconds: z.number().min(0.1).max(3600).default(30),
  signal: signalField(z),
}))

export type ParsedInstallOptions = OptionsOutput<typeof installOptions>

/** Options of `installLibtorch`. */
export interface InstallOptions {
  /** Default: 'cuda' where a CUDA driver finds a device, else 'cpu'. */
  variant?: 'cpu' | 'cuda' | undefined
  /** '2.13' or '2.13.0'. Default: the newest version that this package has an addon for and that is to be had. */
  version?: string | undefined
  /** The address of a package index (PEP 503 or 691). Nothing else is asked then, except `findLinks` and `from`. */
  index?: string | undefined
  /** A folder of wheels, or the address of a page of links. Nothing else is asked then, except `index` and `from`. */
  findLinks?: string | undefined
  /** A wheel, or a folder of wheels: for machines without a network. Their checksums are nobody's promise. */
  from?: string | undefined
  /** Replaces what is installed. Default false: what fits stays, and nothing is asked. */
  force?: boolean | undefined
  /** Takes wheels whose index promises no SHA-256. Default false. */
  allowUnverified?: boolean | undefined
  /** How often a request is tried again without progress, 0 to 100. Default 5. */
  retries?: number | undefined
  /** Seconds before the first retry, doubled each time up to 30. Default 1. */
  retryDelaySeconds?: number | undefined
  /** The longest silence of a server in seconds. Default 30. */
  timeoutSeconds?: number | undefined
  /** Ends the work and rejects with `signal.reason`; what was downloaded is continued by the next call. */
  signal?: AbortSignal | undefined
}
