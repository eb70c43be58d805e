import { readFile, realpath, stat } from 'node:fs/promises'
import { relative } from 'node:path'
import { staysBelow } from '../core/file-path.js'
import { defineOptions, parseOptions } from '../core/options.js'
import { whereFound } from './disk-error.js'
import { hubCacheFolder } from './hub-environment.js'
import {
  type HubRepository,
  type HubRepositoryType,
  hubRepository,
  isCommit,
  oneRevision,
  referencePath,
  repositoryTypes,
  requireBelow,
  requireRepositoryName,
  snapshotPath,
} from './hub-repository.js'
import { pathKind } from './path-kind.js'

const operation = 'findInHubCache'

const hubCacheOptions = defineOptions((z) => ({
  revision: z.string().optional(),
  type: z.enum(repositoryTypes).default('model'),
}))

export interface HubCacheOptions {
  /** A branch, a tag or a commit. Default: that of the name ('org/name@revision'), or 'main'. */
  revision?: string | undefined
  /** Default 'model'. */
  type?: HubRepositoryType | undefined
}

/** Of a file, behind its links; undefined where there is none. */
export async function fileSize(path: string): Promise<number | undefined> {
  const found = await whereFound(path, () => stat(path))
  return found?.isFile() ? found.size : undefined
}

export const isFolder = async (path: string): Promise<boolean> => (await pathKind(path)) === 'folder'

/** The text of a file; undefined where there is none. */
export const readIfFound = (path: string) => whereFound(path, () => readFile(path, 'utf8'))

/**
 * Whether a file is, behind its links, a blob of the cache: of a repository, or of the store that repositories share.
 * Such a file is replaced but never written to.
 */
export async function isHubBlob(path: string): Promise<boolean> {
  const folder = hubCacheFolder()
  const [file, root] = await Promise.all([path, folder].map((place) => whereFound(place, () => realpath(place))))
  if (file === undefined || root === undefined) return false
  return /^([^/]+--[^/]+\/blobs\/[^/]+|blobs\/[0-9a-f]{2}\/[0-9a-f]{64})$/.test(relative(root, file))
}

/** The commit that a branch or tag stood for when it was fetched; undefined where that cannot be known. */
export async function cachedCommit(repository: HubRepository, revision: string): Promise<string | undefined> {
  if (isCommit(revision)) return revision
  const commit = (await readIfFound(referencePath(repository, revision)))?.trim() || revision
  return commit.includes('/') || !staysBelow(commit) ? undefined : commit
}

/** The path of a file in the snapshot of a revision; undefined where it is not there. */
export async function cachedFile(
  repository: HubRepository,
  revision: string,
  name: string,
): Promise<string | undefined> {
  const commit = await cachedCommit(repository, revision)
  const path = commit && snapshotPath(repository, commit, name)
  return path && (await fileSize(path)) !== undefined ? path : undefined
}

/**
 * huggingface_hub.try_to_load_from_cache: the path of a repository's file in the cache that Python fills too, or
 * undefined where it is not there. Never asks the network.
 *
 * Rejects with ERR_TORCH_INVALID_ARGUMENT and ERR_TORCH_DISK.
 */
export async function findInHubCache(
  repoId: string,
  file: string,
  options?: HubCacheOptions,
): Promise<string | undefined> {
  const parsed = parseOptions(hubCacheOptions, options, operation)
  const repository = requireRepositoryName(repoId, operation)
  const revision = requireBelow('revision', oneRevision(repository, parsed.revision, operation) ?? 'main', operation)
  const name = requireBelow('file', file, operation)
  return cachedFile(hubRepository(repository.id, parsed.type, operation), revision, name)
}
