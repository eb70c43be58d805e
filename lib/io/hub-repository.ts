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
  /^[\w-][\w.-]*\/[\w-][\w.-]{0,95}$/.test(text) && !/--|\.\./.test(text) && !isFileName(text)

const isFileName = (text: string) => /\.(safetensors|json|pt|pth)$/.test(text)

/** A repository as a caller names it. */
export interface RepositoryName {
  id: string
  /** What stands behind an '@'. */
  revision: string | undefined
}

/** timm's word for a repository; the second is the old one. */
const hubPrefix = /^hf[-_]hub:/i

const withRevision = (text: string): RepositoryName | undefined => {
  const [id = '', revision, ...more] = text.split('@')
  return more.length === 0 && revision !== '' ? { id, revision } : undefined
}

/**
 * The name of a repository, where nothing else can be meant: 'timm/resnet18.a1_in1k', 'gpt2', 'hf-hub:gpt2', with '@' and a
 * revision or without. Throws ERR_TORCH_INVALID_ARGUMENT.
 */
export function requireRepositoryName(text: unknown, operation: string): RepositoryName {
  if (typeof text !== 'string') return { id: requireRepoId(text, operation), revision: undefined }
  const name = withRevision(text.replace(hubPrefix, ''))
  if (name === undefined) throw invalidArgument('repoId', 'a name with at most one revision', text, { operation })
  return { ...name, id: requireRepoId(name.id, operation) }
}

/** The same of a text that has to be told from a path; undefined where it may be one. 'hf-hub:' is before names only. */
export function readRepositoryName(text: string, operation: string): RepositoryName | undefined {
  if (hubPrefix.test(text)) return requireRepositoryName(text, operation)
  const name = withRevision(text)
  return name !== undefined && looksLikeRepository(name.id) ? name : undefined
}

/** A repository without an organisation, 'gpt2': it may be meant where no file has that name. */
export function readBareRepositoryName(text: string): RepositoryName | undefined {
  const name = withRevision(text)
  const isBare = name !== undefined && /^\w[\w.-]{0,95}$/.test(name.id)
  return isBare && !/--|\.\./.test(name.id) && !isFileName(name.id) ? name : undefined
}

/** The revision of a name and that of an option, of which one is enough. Throws ERR_TORCH_INVALID_ARGUMENT. */
export function oneRevision({ id, revision }: RepositoryName, option: string | undefined, operation: string) {
  if (revision === undefined || option === undefined || revision === option) return revision ?? option
  throw invalidArgument('revision', `'${revision}', as in ${id}@${revision},`, option, { operation })
}

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
