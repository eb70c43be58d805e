import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { isAbortSignal } from './abort.js'
import { type DType, isDType } from './dtype.js'
import { invalidArgument, torchError } from './errors.js'
import { defineOptions } from './options.js'

const laneText = 'an integer from 0 to 63'

export const moduleLoadOptions = defineOptions((z) => ({
  device: z.string({ error: "a device such as 'cpu' or 'cuda:0'" }).default('cpu'),
  dtype: z.custom<DType>(isDType, "a dtype such as 'bfloat16'").optional(),
  lane: z.int(laneText).min(0, laneText).max(63, laneText).default(0),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, '64 hexadecimal digits')
    .optional(),
  signal: z.custom<AbortSignal>(isAbortSignal, 'an AbortSignal').optional(),
}))

export interface ModuleLoadOptions {
  /** Default 'cpu'. */
  device?: string | undefined
  /** Converts the floating point weights. Default: as stored. */
  dtype?: DType | undefined
  /** The submission thread of the device, 0 to 63: modules on different lanes of a device run side by side. Default 0. */
  lane?: number | undefined
  /** The archive must have this SHA-256, in hexadecimal. */
  sha256?: string | undefined
  signal?: AbortSignal | undefined
}

export const sourceOptions = defineOptions((z) => ({
  lane: z.int(laneText).min(0, laneText).max(63, laneText).default(0),
}))

export interface SourceOptions {
  /** As in ModuleLoadOptions. */
  lane?: number | undefined
}

export const moduleToOptions = defineOptions((z) => ({
  device: z.string({ error: "a device such as 'cpu' or 'cuda:0'" }).optional(),
  dtype: z.custom<DType>(isDType, "a dtype such as 'bfloat16'").optional(),
  channelsLast: z.boolean().default(false),
}))

export interface ModuleToOptions {
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
}))

export interface FreezeOptions {
  /** Methods to keep besides forward. */
  preserve?: string[] | undefined
  channelsLast?: boolean | undefined
  /** torch.jit.optimize_for_inference: faster convolutions on CPUs, but such a module cannot be saved. Default false. */
  optimize?: boolean | undefined
}

export const loadStateDictOptions = defineOptions((z) => ({ strict: z.boolean().default(true) }))

export interface LoadStateDictOptions {
  /** Whether missing and unexpected names are errors. Default true. */
  strict?: boolean | undefined
}

export const warmupOptions = defineOptions((z) => ({
  runs: z.int().min(1).max(1000).default(3),
  dtype: z.custom<DType>(isDType, "a dtype such as 'float32'").default('float32'),
  method: z.string().default('forward'),
}))

export interface WarmupOptions {
  /** Default 3, after which TorchScript's executor has settled. */
  runs?: number | undefined
  /** Of the inputs. Default 'float32'. */
  dtype?: DType | undefined
  /** Default 'forward'. */
  method?: string | undefined
}

export const saveOptions = defineOptions((z) => ({ extraFiles: z.record(z.string(), z.string()).default({}) }))

export interface SaveOptions {
  /** Files to store beside the program: name to text. */
  extraFiles?: Record<string, string> | undefined
}

/** A path or bytes; throws ERR_TORCH_INVALID_ARGUMENT. */
export function moduleSource(source: unknown): string | Uint8Array {
  const operation = 'Module.load'
  try {
    const place = source instanceof URL ? fileURLToPath(source) : source
    if (typeof place === 'string' && place !== '' && !place.includes('\0')) return place
    // A Buffer is a view as well; that of a detached buffer throws here.
    if (place instanceof Uint8Array) return new Uint8Array(place.buffer, place.byteOffset, place.byteLength)
  } catch (cause) {
    throw invalidArgument('source', 'a path, a file: URL or a Uint8Array', source, { operation, cause })
  }
  throw invalidArgument('source', 'a path, a file: URL or a Uint8Array', source, { operation })
}

/** Reads the file, so that what is loaded are the very bytes that were checked. */
export async function readArchive(path: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    return await readFile(path, { signal })
  } catch (cause) {
    if (signal?.aborted) throw signal.reason
    const message = `Expected a TorchScript archive but '${path}' cannot be read: ${(cause as Error).message}`
    throw torchError('ERR_TORCH_MODULE_LOAD', message, { operation: 'Module.load', cause })
  }
}

/** Throws ERR_TORCH_MODULE_LOAD. */
export function requireSha256(bytes: Uint8Array, sha256: string): void {
  const actual = createHash('sha256').update(bytes).digest('hex')
  if (actual === sha256.toLowerCase()) return
  const message = `Expected an archive with the SHA-256 ${sha256.toLowerCase()} but received ${actual}`
  throw torchError('ERR_TORCH_MODULE_LOAD', message, { operation: 'Module.load', details: { sha256: actual } })
}
