import { type TorchError, torchError } from '../core/errors.js'
import { type HttpGet, type HttpHead, readText } from './http-client.js'
import { type HubSubject, hubRefusal } from './hub-refusal.js'
import { type HubRepository, isBlobName, isCommit, placeOnHub } from './hub-repository.js'
import { type HubTreeFile, parseTreeEntry } from './hub-tree.js'
import type { Network } from './network.js'
import { redactedUrl } from './redacted-url.js'
import { withRetries } from './retry.js'

/** How a call talks to the hub. */
export interface HubServer {
  /** Without a slash at its end. */
  endpoint: string
  token: string | undefined
  network: Network
}

/** What the hub says of a file without sending it. */
export interface HubFileFacts {
  commit: string
  /** The content's SHA-256 or git SHA-1. */
  blob: string
  size: number | undefined
}

/** The address of a file. By commit, it is the same file at any time. */
export function fileAddress(endpoint: string, repository: HubRepository, revision: string, name: string): string {
  const path = name.split('/').map(encodeURIComponent).join('/')
  return `${endpoint}/${placeOnHub(repository)}/resolve/${encodeURIComponent(revision)}/${path}`
}

/** The token goes to the hub's own origin only. */
export function hubHeaders({ endpoint, token }: HubServer, url: string): Record<string, string> {
  const isHub = token !== undefined && new URL(url).origin === new URL(endpoint).origin
  return isHub ? { authorization: `Bearer ${token}` } : {}
}

function noHub(url: string, expected: string): TorchError {
  const message = `Expected ${expected} from ${redactedUrl(url)} but received none: is HF_ENDPOINT a hub, or a proxy in between?`
  return torchError('ERR_TORCH_DOWNLOAD', message)
}

/** 'W/"abc"' is the ETag abc. */
const plainEtag = (etag: string | undefined) => etag?.replace(/^W\//, '').replace(/^"|"$/g, '')

const linkedEtag = ({ header }: HttpHead) => header('x-linked-etag')

/** ERR_TORCH_DOWNLOAD where it is no hub that answers: an ETag becomes a file's name, so it is looked at twice. */
function factsOf(answer: HttpHead, url: string): HubFileFacts {
  const { header } = answer
  const commit = header('x-repo-commit') ?? ''
  const blob = plainEtag(linkedEtag(answer) ?? header('etag')) ?? ''
  if (!isCommit(commit)) throw noHub(url, 'a commit (X-Repo-Commit)')
  if (!isBlobName(blob)) throw noHub(url, 'a SHA-256 or git SHA-1 (ETag)')
  const length = header('x-linked-size') ?? (answer.status === 200 ? header('content-length') : undefined)
  return { commit, blob, size: length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined }
}

/** Rejects with ERR_TORCH_HUB_NOT_FOUND, ERR_TORCH_HUB_UNAUTHORIZED, ERR_TORCH_DOWNLOAD. */
export async function fetchFileFacts(server: HubServer, subject: HubSubject & { file: string }): Promise<HubFileFacts> {
  const { client, retry, onRetry, signal } = server.network
  const { repository, revision, file } = subject
  const url = fileAddress(server.endpoint, repository, revision, file)
  const request: HttpGet = {
    headers: { ...hubHeaders(server, url), 'accept-encoding': 'identity' }, // else the size is of something else
    accept: [200],
    // A large file is elsewhere, but the hub itself says what it is.
    acceptRedirect: (redirect) => linkedEtag(redirect) !== undefined && redirect.header('x-repo-commit') !== undefined,
    refusal: hubRefusal(subject),
    signal,
  }
  return withRetries({ ...retry, subject: redactedUrl(url), onRetry, signal }, async () =>
    factsOf(await client.head(url, request), url),
  )
}

const largestPage = 64 * 2 ** 20

async function fetchJson(
  server: HubServer,
  url: string,
  subject: HubSubject,
): Promise<{ value: unknown; next?: string }> {
  const { client, retry, onRetry, signal } = server.network
  return withRetries({ ...retry, subject: redactedUrl(url), onRetry, signal }, async () => {
    const headers = { ...hubHeaders(server, url), accept: 'application/json' }
    const response = await client.get(url, { headers, accept: [200], refusal: hubRefusal(subject), signal })
    const text = await readText(response, largestPage, signal)
    const [, next] = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.header('link') ?? '') ?? []
    try {
      return { value: JSON.parse(text), ...(next === undefined ? {} : { next: new URL(next, url).href }) }
    } catch {
      throw noHub(url, 'JSON')
    }
  })
}

const apiAddress = (endpoint: string, { type, id }: HubRepository) => `${endpoint}/api/${type}s/${id}`

/** The commit that a branch or tag stands for. Rejects as `fetchFileFacts`. */
export async function fetchCommit(server: HubServer, subject: HubSubject): Promise<string> {
  const { repository, revision } = subject
  const url = `${apiAddress(server.endpoint, repository)}/revision/${encodeURIComponent(revision)}`
  const { value } = await fetchJson(server, url, subject)
  const { sha } = (value ?? {}) as { sha?: unknown }
  if (typeof sha === 'string' && isCommit(sha)) return sha
  throw noHub(url, 'a commit (sha)')
}

const mostPages = 1000

/** The files of a commit. Rejects as `fetchFileFacts`. */
export async function fetchTree(server: HubServer, subject: HubSubject, commit: string): Promise<HubTreeFile[]> {
  const files: HubTreeFile[] = []
  let url = `${apiAddress(server.endpoint, subject.repository)}/tree/${commit}?recursive=true&expand=false`
  for (let page = 0; page < mostPages; page++) {
    const { value, next } = await fetchJson(server, url, subject)
    if (!Array.isArray(value)) throw noHub(url, 'a list of files')
    for (const entry of value) {
      const file = parseTreeEntry(entry)
      if (file === undefined) throw noHub(url, 'files with safe names, sizes and checksums')
      if (file !== 'folder') files.push(file)
    }
    if (next === undefined) return files
    url = next
  }
  throw noHub(url, `a list of at most ${mostPages} pages`)
}
