import { readFile, realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, relative } from 'node:path'
import { environmentVariable } from '../core/environment.js'
import { invalidArgument } from '../core/errors.js'
import { defineOptions, parseOptions } from '../core/options.js'
import { fileErrorCode, withDiskErrors } from './disk-error.js'
import { staysBelow } from './file-path.js'

const operation = 'findInHubCache'

const hubCacheOptions = defineOptions((z) => ({ revision: z.string().default('main') }))

export interface HubCacheOptions {
  /** A branch, a tag or a commit. Default 'main'. */
  revision?: string | undefined
}

/** os.path.expanduser and os.path.expandvars, for the process's own user. */
function expanded(path: string): string {
  const fromHome = path.replace(/^~(?=\/|$)/, homedir())
  return fromHome.replace(
    /\$(?:(\w+)|\{([^}]*)\})/g,
    (all, plain, braced) => environmentVariable(plain ?? braced) ?? all,
  )
}

/** Where huggingface_hub keeps repositories: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub, or in the user's cache. */
export function hubCacheFolder(): string {
  const chosen = environmentVariable('HF_HUB_CACHE') ?? environmentVariable('HUGGINGFACE_HUB_CACHE')
  if (chosen !== undefined) return expanded(chosen)
  const userCache = environmentVariable('XDG_CACHE_HOME') ?? join(homedir(), '.cache')
  return join(expanded(environmentVariable('HF_HOME') ?? join(userCache, 'huggingface')), 'hub')
}

/** undefined where nothing is there. */
async function whereFound<T>(path: string, look: () => Promise<T>): Promise<T | undefined> {
  return withDiskErrors(path, () =>
    look().catch((error) => {
      const code = fileErrorCode(error)
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      throw error
    }),
  )
}

/** Whether a file is, behind its links, a blob of the cache. Such a file is replaced but never written to. */
export async function isHubBlob(path: string): Promise<boolean> {
  const folder = hubCacheFolder()
  const [file, root] = await Promise.all([path, folder].map((place) => whereFound(place, () => realpath(place))))
  if (file === undefined || root === undefined) return false
  return /^[^/]+--[^/]+\/blobs\/[^/]+$/.test(relative(root, file))
}

function requireRepoId(repoId: unknown): string {
  const isRepoId = typeof repoId === 'string' && /^([\w.-]+\/)?[\w.-]{1,96}$/.test(repoId)
  if (isRepoId && staysBelow(repoId) && !/--|\.\./.test(repoId)) return repoId
  throw invalidArgument('repoId', "a repository's name such as 'timm/resnet18.a1_in1k'", repoId, { operation })
}

function requireBelow(name: string, value: unknown): string {
  if (typeof value === 'string' && staysBelow(value)) return value
  throw invalidArgument(name, "a relative path without '..'", value, { operation })
}

/** The commit that a branch or tag stood for when it was fetched. */
async function commitOf(repository: string, revision: string): Promise<string> {
  const reference = join(repository, 'refs', revision)
  const commit = await whereFound(reference, () => readFile(reference, 'utf8'))
  return commit?.trim() ?? revision
}

/**
 * huggingface_hub.try_to_load_from_cache: the path of a model repository's file in the cache that Python fills too, or
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
  const revision = requireBelow('revision', parsed.revision)
  const name = requireBelow('file', file)
  const repository = join(hubCacheFolder(), `models--${requireRepoId(repoId).replaceAll('/', '--')}`)
  const commit = await commitOf(repository, revision)
  if (commit.includes('/') || !staysBelow(commit)) return undefined
  const path = join(repository, 'snapshots', commit, name)
  const found = await whereFound(path, () => stat(path))
  return found?.isFile() ? path : undefined
}
