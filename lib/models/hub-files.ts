import { basename, dirname, posix } from 'node:path'
import type * as Zod from 'zod'
import { isOurs, torchError } from '../core/errors.js'
import { signalField } from '../core/options.js'
import { hub } from '../io/hub.js'
import { hubEndpoint } from '../io/hub-environment.js'
import { type HubFileOptions, hubField } from '../io/hub-options.js'
import type { HubProgress } from '../io/hub-progress.js'
import { redactedUrl } from '../io/redacted-url.js'
import { readSafetensorsIndex } from '../io/safetensors-index.js'
import { indexName } from './weights-name.js'

/** How `load` asks the hub: the options of `hub.file`. */
export type LoadHubOptions = Omit<HubFileOptions, 'signal'>

/** What a caller of `load` wants to do about a download. */
export interface LoadControl {
  /**
   * For a model of the hub: its revision (which the name may say too, 'org/name@revision'), the token, whether the
   * network may be asked, and so on. A revision beside a model that is not of the hub is ERR_TORCH_INVALID_ARGUMENT.
   */
  hub?: LoadHubOptions | undefined
  /** Ends the work and rejects with `signal.reason`; the next call goes on with what was fetched. */
  signal?: AbortSignal | undefined
  /**
   * Called for each step of a download, where files have to be fetched from the hub; a step that nobody has seen yet gives
   * way to its successor. Whatever it throws ends the work as `signal` does.
   */
  progress?: ((step: HubProgress) => void) | undefined
}

const isFunction = (value: unknown) => typeof value === 'function'

/** The fields of LoadControl, for the options of a verb. */
export const loadControlFields = (z: typeof Zod.z) => ({
  hub: hubField(z),
  signal: signalField(z),
  progress: z.custom<(step: HubProgress) => void>(isFunction, 'a function').optional(),
})

async function fetchFile(
  repository: string,
  name: string,
  { hub: options, signal, progress }: LoadControl,
  revision?: string,
): Promise<string> {
  const steps = hub.file.steps(repository, name, { ...options, ...(revision && { revision }), signal })
  try {
    for (;;) {
      const { done, value } = await steps.next()
      if (done) return value
      progress?.(value)
    }
  } finally {
    await steps.return('') // where `progress` threw
  }
}

/** The files that the index of weights names, as the repository names them: `index` is where it lies here, `name` there. */
export async function shardNames(index: string, name: string): Promise<string[]> {
  const { shardOf } = await readSafetensorsIndex(index)
  return [...new Set(shardOf.values())].map((shard) => posix.join(posix.dirname(name), shard))
}

const lacksFile = (error: unknown) =>
  isOurs(error) && error.code === 'ERR_TORCH_HUB_NOT_FOUND' && error.details?.missing === 'file'

/** The path of the weights, or where there is no such file that of their index, beside all files that it names. */
async function fetchWeights(repository: string, name: string, control: LoadControl, revision: string) {
  const fetch = (file: string) => fetchFile(repository, file, control, revision)
  try {
    return await fetch(name)
  } catch (error) {
    if (!lacksFile(error)) throw error
    const index = await fetch(indexName(name)).catch((cause) => {
      throw lacksFile(cause) ? error : cause
    })
    for (const shard of await shardNames(index, name)) await fetch(shard)
    return index
  }
}

const nowhere: ReadonlySet<string> = new Set(['ERR_TORCH_HUB_NOT_FOUND', 'ERR_TORCH_HUB_OFFLINE'])
const unreachable = 'ERR_TORCH_DOWNLOAD'

/** What helps besides what `hub.file` says. */
const localFiles = `'local-dir:' before a folder with config.json and model.safetensors loads files that you have`

/** A model that a caller named. */
interface Wanted {
  repository: string
  /** `weights`: of a configuration that was found. */
  names: { config: string; weights: (config: string) => Promise<string> }
  /** Where it was looked for before. */
  looked: readonly string[]
}

/**
 * The paths of a repository's configuration and weights, of one commit, fetched where the cache has not both. Rejects
 * with ERR_TORCH_MODULE_LOAD where there are none, or none may be fetched, with ERR_TORCH_DOWNLOAD where none can be; else
 * as `hub.file`. All three say where was looked.
 */
export async function fetchModelFiles(
  { repository, names, looked }: Wanted,
  control: LoadControl,
): Promise<{ config: string; weights: string }> {
  try {
    const config = await fetchFile(repository, names.config, control)
    const revision = basename(dirname(config))
    const weights = await names.weights(config)
    return { config, weights: await fetchWeights(repository, weights, control, revision) }
  } catch (cause) {
    if (control.signal?.aborted || !isOurs(cause)) throw cause
    const isUnreachable = cause.code === unreachable
    if (!isUnreachable && !nowhere.has(cause.code)) throw cause
    const hubName = isUnreachable ? ` of ${redactedUrl(hubEndpoint(control.hub?.endpoint)).replace(/\/$/, '')}` : ''
    const places = [...looked, `the repository ${repository}${hubName}`].join(', ')
    const message = `Expected a model but found none after looking for ${places}: ${cause.message}`
    if (!isUnreachable) throw torchError('ERR_TORCH_MODULE_LOAD', message, { cause })
    throw torchError(unreachable, `${message}; ${localFiles}`, { cause, details: cause.details })
  }
}
