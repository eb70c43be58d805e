import { basename, dirname } from 'node:path'
import type * as Zod from 'zod'
import { TorchError, torchError } from '../core/errors.js'
import { signalField } from '../core/options.js'
import { hub } from '../io/hub.js'
import type { HubFileOptions } from '../io/hub-options.js'
import type { HubProgress } from '../io/hub-progress.js'

/** What a caller of `load` wants to do about a download. */
export interface LoadControl {
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
  signal: signalField(z),
  progress: z.custom<(step: HubProgress) => void>(isFunction, 'a function').optional(),
})

async function fetchFile(
  repository: string,
  name: string,
  { signal, progress }: LoadControl,
  options?: HubFileOptions,
) {
  const steps = hub.file.steps(repository, name, { ...options, signal })
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

const nowhere: ReadonlySet<string> = new Set(['ERR_TORCH_HUB_NOT_FOUND', 'ERR_TORCH_HUB_OFFLINE'])

/** A model that a caller named. */
interface Wanted {
  repository: string
  names: { config: string; weights: string }
  /** Where it was looked for before. */
  looked: readonly string[]
}

/**
 * The paths of a repository's configuration and weights, of one commit, fetched where the cache has not both. Rejects
 * with ERR_TORCH_MODULE_LOAD where there are none, or none may be fetched; else as `hub.file`.
 */
export async function fetchModelFiles(
  { repository, names, looked }: Wanted,
  control: LoadControl,
): Promise<{ config: string; weights: string }> {
  try {
    const config = await fetchFile(repository, names.config, control)
    const revision = basename(dirname(config))
    return { config, weights: await fetchFile(repository, names.weights, control, { revision }) }
  } catch (cause) {
    if (!(cause instanceof TorchError && nowhere.has(cause.code))) throw cause
    const places = [...looked, `the repository ${repository}`].join(', ')
    const message = `Expected a model but found none after looking for ${places}: ${cause.message}`
    throw torchError('ERR_TORCH_MODULE_LOAD', message, { cause })
  }
}
