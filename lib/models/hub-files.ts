import { basename, dirname } from 'node:path'
import { TorchError, torchError } from '../core/errors.js'
import { hub } from '../io/hub.js'

const nowhere: ReadonlySet<string> = new Set(['ERR_TORCH_HUB_NOT_FOUND', 'ERR_TORCH_HUB_OFFLINE'])

/**
 * The paths of a repository's configuration and weights, of one commit, fetched where the cache has not both. Rejects
 * with ERR_TORCH_MODULE_LOAD where there are none, or none may be fetched; else as `hub.file`.
 */
export async function fetchModelFiles(
  repository: string,
  names: { config: string; weights: string },
): Promise<{ config: string; weights: string }> {
  try {
    const config = await hub.file(repository, names.config)
    const revision = basename(dirname(config))
    return { config, weights: await hub.file(repository, names.weights, { revision }) }
  } catch (cause) {
    if (!(cause instanceof TorchError && nowhere.has(cause.code))) throw cause
    const message = `Expected a file, a folder, or weights of '${repository}' but found none: ${cause.message}`
    throw torchError('ERR_TORCH_MODULE_LOAD', message, { cause })
  }
}
