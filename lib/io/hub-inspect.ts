import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { torchError } from '../core/errors.js'
import { cachedCommit, isFolder } from './hub-cache.js'
import { type HubCall, hubRequest, mayUseCache, offlineError, withHubCall } from './hub-call.js'
import { isInSnapshot } from './hub-fetch.js'
import { fetchSafetensorsHeader } from './hub-header.js'
import { fetchListing } from './hub-listing.js'
import type { ParsedHubOptions } from './hub-options.js'
import { snapshotPath } from './hub-repository.js'
import { type HubTreeFile, readTree } from './hub-tree.js'
import { inParallel } from './in-parallel.js'
import type { InspectedFile } from './inspected-file.js'

const isWeights = (name: string) => name.endsWith('.safetensors')

/** A file of a repository: on this machine, or known by the hub's list only. */
interface Found {
  name: string
  path: string | undefined
  remote: (HubTreeFile & { commit: string }) | undefined
}

async function placed(call: HubCall, commit: string, files: readonly HubTreeFile[]): Promise<Found[]> {
  const weights = files.filter(({ name }) => isWeights(name))
  return Promise.all(
    weights.map(async (file): Promise<Found> => {
      const isHere = await isInSnapshot(call, { ...file, commit })
      const path = isHere ? snapshotPath(call.repository, commit, file.name) : undefined
      return { name: file.name, path, remote: { ...file, commit } }
    }),
  )
}

/** What lies in the cache; undefined where nothing does. */
async function cached(call: HubCall): Promise<Found[] | undefined> {
  const commit = await cachedCommit(call.repository, call.revision)
  const folder = commit && snapshotPath(call.repository, commit)
  if (!folder || !(await isFolder(folder))) return undefined
  const tree = await readTree(call.repository, commit)
  if (tree !== undefined) return (await placed(call, commit, tree)).filter(({ path }) => path !== undefined)
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter(({ name }) => isWeights(name)).map(({ parentPath, name }) => join(parentPath, name))
  return paths.sort().map((path) => ({ name: relative(folder, path), path, remote: undefined }))
}

async function find(call: HubCall): Promise<Found[]> {
  const here = await cached(call)
  if (call.offline) {
    if (here === undefined || here.length === 0) throw offlineError(call, 'safetensors files')
    return here
  }
  try {
    const { commit, files } = await fetchListing(call, here !== undefined)
    return await placed(call, commit, files)
  } catch (error) {
    if (here === undefined || here.length === 0 || !mayUseCache(error)) throw error
    return here
  }
}

/** Of a file that was not fetched. */
async function inspectRemote(call: HubCall, file: HubTreeFile & { commit: string }): Promise<InspectedFile> {
  const header = await fetchSafetensorsHeader(call, file)
  const sha256 = file.blob.length === 64 ? file.blob : undefined
  return { name: file.name, path: undefined, bytes: file.size, sha256, intact: undefined, ...header }
}

const headersAtOnce = 8

/** The safetensors files of a repository; `inspectLocal` looks at those that the cache has. */
export async function inspectRepository(
  repoId: string,
  options: ParsedHubOptions,
  operation: string,
  inspectLocal: (name: string, path: string) => Promise<InspectedFile>,
): Promise<InspectedFile[]> {
  const signal = options.signal ?? new AbortController().signal
  return withHubCall(hubRequest(repoId, options, operation), { report() {}, signal }, async (call) => {
    const found = await find(call)
    if (found.length === 0) {
      const message = `Expected safetensors files in ${repoId} (${call.revision}) but it has none`
      throw torchError('ERR_TORCH_HUB_NOT_FOUND', message, { details: { missing: 'file', repository: repoId } })
    }
    const inspected = new Map<string, InspectedFile>()
    await inParallel(found, { width: headersAtOnce, signal }, async ({ name, path, remote }, all) => {
      if (path !== undefined) inspected.set(name, await inspectLocal(name, path))
      else if (remote !== undefined) inspected.set(name, await inspectRemote({ ...call, signal: all }, remote))
    })
    return found.flatMap(({ name }) => inspected.get(name) ?? [])
  })
}
