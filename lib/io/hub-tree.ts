import { staysBelow } from '../core/file-path.js'
import { isJsonObject, type JsonObject } from '../core/json-object.js'
import { readIfFound } from './hub-cache.js'
import { type HubRepository, isBlobName, isCommit, treePath } from './hub-repository.js'
import { writeWhole } from './hub-store.js'

/** A file of a repository at some commit. */
export interface HubTreeFile {
  name: string
  /** In bytes. */
  size: number
  /** The name of its blob: the content's SHA-256 (large files) or git SHA-1. */
  blob: string
  /** What Python keeps too, for its own downloads. */
  stored: Readonly<Record<string, unknown>>
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** undefined for what a hub would not say. */
function treeFile(name: string, stored: JsonObject): HubTreeFile | undefined {
  const { size: gitSize, blob_id: gitName, lfs_sha256: sha256, lfs_size: largeSize } = stored
  const [blob, size] = sha256 === undefined ? [gitName, gitSize] : [sha256, largeSize]
  if (!staysBelow(name) || typeof blob !== 'string' || !isBlobName(blob) || !isSize(size)) return undefined
  return { name, size, blob, stored }
}

/** An element of the hub's answer to /api/<type>s/<id>/tree; undefined where it is malformed. */
export function parseTreeEntry(entry: unknown): HubTreeFile | 'folder' | undefined {
  if (!isJsonObject(entry)) return undefined
  if (entry.type === 'directory') return 'folder'
  const { path, size, oid, lfs, xetHash } = entry
  if (typeof path !== 'string') return undefined
  const isXet = typeof xetHash === 'string' && /^[0-9a-f]{64}$/.test(xetHash)
  return treeFile(path, {
    ...{ size, blob_id: oid },
    ...(isJsonObject(lfs) ? { lfs_sha256: lfs.oid, lfs_size: lfs.size } : {}),
    ...(isXet ? { xet_hash: xetHash } : {}),
  })
}

const formatVersion = 1

/** The files of a commit as an earlier call, or Python, wrote them down; undefined where none did. */
export async function readTree(repository: HubRepository, commit: string): Promise<HubTreeFile[] | undefined> {
  if (!isCommit(commit)) return undefined
  const text = await readIfFound(treePath(repository, commit))
  try {
    const { format_version: version, files } = JSON.parse(text ?? '{}')
    if (version !== formatVersion || !isJsonObject(files)) return undefined
    const read = Object.entries(files).map(([name, stored]) =>
      isJsonObject(stored) ? treeFile(name, stored) : undefined,
    )
    return read.includes(undefined) ? undefined : (read as HubTreeFile[])
  } catch {
    return undefined // written by another version, or cut off
  }
}

/** Writes the files of a commit down, in huggingface_hub's format. */
export function writeTree(repository: HubRepository, commit: string, files: readonly HubTreeFile[]): Promise<void> {
  const entries = files
    .map(({ name, stored }): [string, unknown] => [name, stored])
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const tree = { format_version: formatVersion, files: Object.fromEntries(entries) }
  return writeWhole(treePath(repository, commit), JSON.stringify(tree, undefined, 1))
}
