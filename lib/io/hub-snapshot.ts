import { type TorchError, torchError } from '../core/errors.js'
import { staysBelow } from '../core/file-path.js'
import { nearestName } from '../core/nearest-name.js'
import { requireDiskSpace } from './disk-space.js'
import { cachedCommit, isFolder } from './hub-cache.js'
import { type HubCall, mayUseCache, offlineError } from './hub-call.js'
import { bytesToCome, type HubFile, isInSnapshot, obtain } from './hub-fetch.js'
import { removeLeftovers } from './hub-leftovers.js'
import { fetchListing, type HubListing } from './hub-listing.js'
import type { ParsedSnapshotOptions } from './hub-options.js'
import { filteredNames } from './hub-patterns.js'
import { HubTransfer } from './hub-progress.js'
import { isCommit, snapshotPath } from './hub-repository.js'
import { rememberCommit } from './hub-store.js'
import { type HubTreeFile, readTree } from './hub-tree.js'
import { inParallel } from './in-parallel.js'

type Filters = Pick<ParsedSnapshotOptions, 'allow' | 'ignore'>

function selected(files: readonly HubTreeFile[], filters: Filters): HubTreeFile[] {
  const names = new Set(
    filteredNames(
      files.map(({ name }) => name),
      filters,
    ),
  )
  return files.filter(({ name }) => names.has(name))
}

/** Those of `allow` that can only be the names of files. */
const plainNames = ({ allow = [] }: Filters) =>
  [allow].flat().filter((name) => !/[*?[\\]|\/$/.test(name) && staysBelow(name))

interface CachedSnapshot {
  folder: string
  /** Wanted files that are not there, or are not whole. undefined: what there should be is not known. */
  missing: string[] | undefined
}

async function missingNames(call: HubCall, commit: string, filters: Filters): Promise<string[] | undefined> {
  const files = await readTree(call.repository, commit)
  const unsized = () => plainNames(filters).map((name) => ({ name, size: undefined }))
  const wanted = files === undefined ? unsized() : selected(files, filters)
  const isHere = await Promise.all(wanted.map(({ name, size }) => isInSnapshot(call, { commit, name, size })))
  const missing = wanted.flatMap(({ name }, i) => (isHere[i] ? [] : [name]))
  return files === undefined && missing.length === 0 ? undefined : missing
}

async function cachedSnapshot(call: HubCall, filters: Filters): Promise<CachedSnapshot | undefined> {
  const { repository, revision } = call
  const commit = await cachedCommit(repository, revision)
  if (commit === undefined) return undefined
  const folder = snapshotPath(repository, commit)
  if (!(await isFolder(folder))) return undefined
  return { folder, missing: await missingNames(call, commit, filters) }
}

const mostNames = 8

function quoted(names: string | readonly string[]): string {
  const list = [names].flat()
  const more = list.length > mostNames ? ` and ${list.length - mostNames} more` : ''
  return `${list
    .slice(0, mostNames)
    .map((name) => `'${name}'`)
    .join(', ')}${more}`
}

function nothingMatches(
  { repository, revision }: HubCall,
  { allow, ignore }: Filters,
  files: readonly HubTreeFile[],
): TorchError {
  const names = files.map(({ name }) => name)
  const [wanted = ''] = [allow ?? ''].flat()
  const nearest = nearestName(wanted, names)
  const hint = nearest === undefined ? '' : ` (did you mean '${nearest}'?)`
  const patterns = [...(allow ? [`match ${quoted(allow)}`] : []), ...(ignore ? [`do not match ${quoted(ignore)}`] : [])]
  const expected = `files of ${repository.id} (${revision}) that ${patterns.join(' and ') || 'can be fetched'}`
  const message = `Expected ${expected} but it has ${names.length === 0 ? 'none' : quoted(names)}${hint}`
  const details = { missing: 'file', repository: repository.id, revision, files: names }
  return torchError('ERR_TORCH_HUB_NOT_FOUND', message, { details })
}

/** How many were not there. */
async function fetchAll(call: HubCall, files: readonly HubFile[], parallel: number): Promise<number> {
  const { repository, report, options } = call
  const transfer = new HubTransfer(repository.id, report)
  const absent: HubFile[] = []
  const needed = new Map<string, number>() // two files may be one blob
  for (const file of files) {
    if (!options.force && (await isInSnapshot(call, file))) continue
    absent.push(file)
    const bytes = (await bytesToCome(call, file)) ?? 0
    needed.set(file.blob, bytes)
    if (bytes > 0) transfer.expect(file.blob, file.size)
  }
  const bytes = [...needed.values()].reduce((sum, each) => sum + each, 0)
  if (bytes > 0) await requireDiskSpace([{ folder: repository.blobs, bytes }])
  await inParallel(absent, { width: parallel, signal: call.signal }, async (file, signal) => {
    await obtain(call, file, transfer, signal)
  })
  return absent.length
}

/** snapshot_download: the folder of a revision's files. */
export async function runHubSnapshot(call: HubCall, options: ParsedSnapshotOptions): Promise<string> {
  const { repository, revision, offline, report } = call
  const { force, parallel } = options
  const cached = force ? undefined : await cachedSnapshot(call, options)
  const isComplete = cached !== undefined && (cached.missing?.length ?? 0) === 0
  if (cached !== undefined && isComplete && (offline || (isCommit(revision) && cached.missing !== undefined))) {
    return cached.folder
  }
  if (offline) {
    const [first, ...others] = cached?.missing ?? []
    const more = others.length === 0 ? '' : ` and ${others.length} more files`
    throw offlineError(call, first === undefined ? 'files' : `${first}${more}`)
  }
  report({ phase: 'ask', subject: `${repository.id} (${revision})` })
  let listing: HubListing
  try {
    listing = await fetchListing(call, isComplete)
  } catch (error) {
    if (cached === undefined || !isComplete || !mayUseCache(error)) throw error
    report({ phase: 'cache', subject: (error as TorchError).message })
    return cached.folder
  }
  const { commit, files } = listing
  const wanted = selected(files, options)
  if (wanted.length === 0) throw nothingMatches(call, options, files)
  const fetched = await fetchAll(
    call,
    wanted.map(({ name, size, blob }) => ({ name, size, blob, commit })),
    parallel,
  )
  const noted = rememberCommit(repository, revision, commit)
  await (fetched === 0 ? noted.catch(() => {}) : noted)
  if (fetched > 0) await removeLeftovers(repository).catch(() => {}) // a courtesy to the disk
  return snapshotPath(repository, commit)
}
