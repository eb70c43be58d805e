import { TorchError } from '../core/errors.js'
import { cachedFile } from './hub-cache.js'
import { askHub, type HubCall, mayUseCache, offlineError } from './hub-call.js'
import { obtain } from './hub-fetch.js'
import { removeLeftovers } from './hub-leftovers.js'
import { HubTransfer } from './hub-progress.js'
import { isCommit } from './hub-repository.js'
import { fetchFileFacts, type HubFileFacts } from './hub-server.js'
import { rememberCommit, rememberMissing } from './hub-store.js'

/** Notes a commit that has no such file: Python's try_to_load_from_cache, and so transformers, need not ask then. */
async function factsOf(call: HubCall, file: string, hasAnswer: boolean): Promise<HubFileFacts> {
  const { repository, revision } = call
  try {
    return await askHub(call, { hasAnswer }, (server) => fetchFileFacts(server, { repository, revision, file }))
  } catch (error) {
    const { missing, commit } = (error instanceof TorchError && error.details) || {}
    if (missing === 'file' && typeof commit === 'string' && isCommit(commit)) {
      await rememberMissing(repository, commit, file).catch(() => {}) // the cache may be read-only
    }
    throw error
  }
}

/** hf_hub_download: the path of one file. */
export async function runHubFile(call: HubCall, name: string): Promise<string> {
  const { repository, revision, offline, options, report } = call
  const cached = options.force ? undefined : await cachedFile(repository, revision, name)
  if (cached !== undefined && (offline || isCommit(revision))) return cached
  if (offline) throw offlineError(call, name)
  report({ phase: 'ask', subject: `${repository.id} (${revision})` })
  let facts: HubFileFacts
  try {
    facts = await factsOf(call, name, cached !== undefined)
  } catch (error) {
    if (cached === undefined || !mayUseCache(error)) throw error
    report({ phase: 'cache', subject: error.message })
    return cached
  }
  const path = await obtain(call, { ...facts, name }, new HubTransfer(name, report))
  const noted = rememberCommit(repository, revision, facts.commit)
  await (path === cached ? noted.catch(() => {}) : noted) // where nothing was fetched, the cache may be read-only
  if (path !== cached) await removeLeftovers(repository).catch(() => {}) // a courtesy to the disk
  return path
}
