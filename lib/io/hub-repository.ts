import { join } from 'node:path'
import { invalidArgument } from '../core/errors.js'
import { staysBelow } from '../core/file-path.js'
import { hubCacheFolder } from './hub-environment.js'

export const repositoryTypes = ['model', 'dataset', 'space'] as const

export type HubRepositoryType = (typeof repositoryTypes)[number]

/** A repository and its places in the cache, which are those of huggingface_hub. */
export interface HubRepository {
  id: string
  type: HubRepositoryType
  /** Of all repositories. */
  cache: string
  folder: string
  blobs: string
  locks: string
}

function requireRepoId(id: unknown, operation: string): string {
  const isRepoId = typeof id === 'string' && /^([\w.-]+\/)?[\w.-]{1,96}$/.test(id)
  if (isRepoId && staysBelow(id) && !/--|\.\./.test(id)) return id
  throw invalidArgument('repoId', "a repository's name such as 'timm/resnet18.a1_in1k'", id, { operation })
}

/** Throws ERR_TORCH_INVALID_ARGUMENT. */
export function hubRepository(id: unknown, type: HubRepositoryType, operation: string): HubRepository {
  const name = requireRepoId(id, operation)
  const cache = hubCacheFolder()
  const folderName = [`${type}s`, ...name.split('/')].join('--')
  const folder = join(cache, folderName)
  return { id: name, type, cache, folder, blobs: join(folder, 'blobs'), locks: join(cache, '.locks', folderName) }
}

const prefixes = { model: '', dataset: 'datasets/', space: 'spaces/' } as const

/** Where a repository lies on a hub: 'timm/resnet18.a1_in1k', 'datasets/org/name'. */
export const placeOnHub = ({ type, id }: HubRepository) => `${prefixes[type]}${id}`

/** The name of a file, or a revision, that a caller gave. Throws ERR_TORCH_INVALID_ARGUMENT. */
export function requireBelow(name: string, value: unknown, operation: string): string {
  if (typeof value === 'string' && staysBelow(value)) return value
  throw invalidArgument(name, "a relative path without '..'", value, { operation })
}

/** Whether a text can only be a repository's name: 'timm/resnet18.a1_in1k', not './resnet18.pt'. */
export const looksLikeRepository = (text: string) =>
  /^[\w-][\w.-]*\/[\w-][\w.-]{0,95}$/.test(text) && !/--|\.\./.test(text) && !/\.(safetensors|json|pt|pth)$/.test(text)

export const isCommit = (revision: string) => /^[0-9a-f]{40}$/.test(revision)

/** The content's SHA-256 (large files) or its git SHA-1: what the hub calls a file, and the cache its blob. */
export const isBlobName = (etag: string) => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(etag)

/** The folder of a commit's files, or one of them. */
export const snapshotPath = ({ folder }: HubRepository, commit: string, ...name: string[]) =>
  join(folder, 'snapshots', commit, ...name)

export const referencePath = ({ folder }: HubRepository, revision: string) => join(folder, 'refs', revision)

export const treePath = ({ folder }: HubRepository, commit: string) => join(folder, 'trees', `${commit}.json`)

/** Of whoever fetches a blob. */
export const lockPath = ({ locks }: HubRepository, blob: string) => join(locks, `${blob}.node-libtorch`)

export const missingPath = ({ folder }: HubRepository, commit: string, name: string) =>
  join(folder, '.no_exist', commit, name)
