import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface HubContent {
  name: string
  bytes: Buffer
  /** Kept apart (LFS), named by its SHA-256, and served by another host. Others are named by their git SHA-1. */
  large: boolean
}

export interface SeenHubRequest {
  method: string
  /** 'hub' or 'cdn': two origins. */
  host: 'hub' | 'cdn'
  path: string
  range: string | undefined
  authorization: string | undefined
}

/** Answers in the hub's place where it returns true. */
type Respond = (request: SeenHubRequest, response: ServerResponse) => boolean

/** A Hugging Face hub on the loopback interface, with one repository and a host for its large files. */
export interface FakeHub {
  endpoint: string
  cdn: string
  type: 'model' | 'dataset' | 'space'
  repository: string
  commit: string
  files: HubContent[]
  /** What a reader must send; undefined: the repository is public. */
  token: string | undefined
  pageSize: number
  requests: SeenHubRequest[]
  respond: Respond
  /** The requests for the bytes of a file: 'GET hub' or 'GET cdn'. */
  downloads(name: string): SeenHubRequest[]
  close(): void
}

export const gitSha1 = (bytes: Buffer) =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

export const blobOf = ({ bytes, large }: HubContent) => (large ? sha256(bytes) : gitSha1(bytes))

function refuse(response: ServerResponse, status: number, code: string, headers = {}): void {
  response.writeHead(status, { 'x-error-code': code, ...headers }).end(`{"error": "${code}"}`)
}

/** With an ETag, and from the middle where it is asked to. */
export function sendBytes(request: SeenHubRequest, response: ServerResponse, bytes: Buffer, headers = {}): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.range ?? '')?.[1] ?? 0)
  if (request.range === undefined) {
    response.writeHead(200, { 'content-length': bytes.length, ...headers }).end(bytes)
  } else {
    const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`
    response.writeHead(206, { 'content-range': range, 'content-length': bytes.length - start, ...headers })
    response.end(bytes.subarray(start))
  }
}

function resolveFile(hub: FakeHub, request: SeenHubRequest, response: ServerResponse, name: string): void {
  const commit = { 'x-repo-commit': hub.commit }
  const file = hub.files.find((each) => each.name === name)
  if (file === undefined) refuse(response, 404, 'EntryNotFound', commit)
  else if (!file.large) sendBytes(request, response, file.bytes, { ...commit, etag: `"${blobOf(file)}"` })
  else {
    const location = `${hub.cdn}/${encodeURIComponent(file.name)}?signature=s3cret`
    const linked = { 'x-linked-etag': `"${blobOf(file)}"`, 'x-linked-size': file.bytes.length }
    response.writeHead(302, { ...commit, location, ...linked }).end()
  }
}

function listFiles(hub: FakeHub, response: ServerResponse, page: number): void {
  const folders = [...new Set(hub.files.flatMap(({ name }) => (name.includes('/') ? [name.split('/')[0]] : [])))]
  const entries = [
    ...folders.map((path) => ({ type: 'directory', oid: 'f'.repeat(40), size: 0, path })),
    ...hub.files.map((file) => ({
      ...{ type: 'file', path: file.name, size: file.bytes.length, oid: gitSha1(file.bytes) },
      ...(file.large ? { lfs: { oid: sha256(file.bytes), size: file.bytes.length, pointerSize: 134 } } : {}),
    })),
  ]
  const start = page * hub.pageSize
  const next = `${hub.endpoint}/api/${hub.type}s/${hub.repository}/tree/${hub.commit}?recursive=true&cursor=${page + 1}`
  const link = start + hub.pageSize < entries.length ? { link: `<${next}>; rel="next"` } : {}
  response.writeHead(200, { 'content-type': 'application/json', ...link })
  response.end(JSON.stringify(entries.slice(start, start + hub.pageSize)))
}

function answerHub(hub: FakeHub, request: SeenHubRequest, response: ServerResponse, query: URLSearchParams): void {
  const api = /^\/api\/(model|dataset|space)s\/(.+)\/(revision|tree)\/(.+)$/.exec(request.path)
  const file = /^\/(?:(dataset|space)s\/)?(.+)\/resolve\/(refs\/pr\/1|[^/]+)\/(.+)$/.exec(request.path)
  const [, type = 'model', repository, kind, revision = ''] = api ?? [...(file ?? []).slice(0, 3), 'resolve', file?.[3]]
  if (hub.token !== undefined && request.authorization !== `Bearer ${hub.token}`) {
    refuse(response, 401, request.authorization === undefined ? 'RepoNotFound' : '')
  } else if (type !== hub.type || repository !== hub.repository) refuse(response, 404, 'RepoNotFound')
  else if (!['main', 'v1', 'refs/pr/1', hub.commit].includes(revision)) refuse(response, 404, 'RevisionNotFound')
  else if (kind === 'resolve') resolveFile(hub, request, response, file?.[4] ?? '')
  else if (kind === 'tree') listFiles(hub, response, Number(query.get('cursor') ?? 0))
  else response.setHeader('content-type', 'application/json').end(JSON.stringify({ id: repository, sha: hub.commit }))
}

function answerCdn(hub: FakeHub, request: SeenHubRequest, response: ServerResponse): void {
  const file = hub.files.find(({ name }) => `/${name}` === request.path)
  if (file === undefined) response.writeHead(404).end()
  else sendBytes(request, response, file.bytes, { etag: `"${blobOf(file).slice(0, 8)}"` })
}

async function listen(listener: RequestListener): Promise<{ origin: string; close(): void }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  onTestFinished(close)
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

/** Serves `files` until the test ends. */
export async function startFakeHub(...files: HubContent[]): Promise<FakeHub> {
  const hub: FakeHub = {
    ...{
      endpoint: '',
      cdn: '',
      type: 'model',
      repository: 'timm/tiny',
      commit: '0123456789abcdef0123456789abcdef01234567',
    },
    ...{ files, token: undefined, pageSize: 1000, requests: [], respond: () => false },
    downloads: (name) =>
      hub.requests.filter(({ method, host, path }) => {
        const isLarge = files.some((file) => file.large && file.name === name)
        return method === 'GET' && host === (isLarge ? 'cdn' : 'hub') && path.endsWith(`/${name}`)
      }),
    close: () => {},
  }
  const answer = (host: 'hub' | 'cdn') => (incoming: IncomingMessage, response: ServerResponse) => {
    const url = new URL(incoming.url ?? '/', 'http://hub')
    const { range, authorization } = incoming.headers
    const path = decodeURIComponent(url.pathname)
    const request: SeenHubRequest = { method: incoming.method ?? '', host, path, range, authorization }
    hub.requests.push(request)
    if (hub.respond(request, response)) return
    if (host === 'cdn') answerCdn(hub, request, response)
    else answerHub(hub, request, response, url.searchParams)
  }
  const servers = await Promise.all([listen(answer('hub')), listen(answer('cdn'))])
  hub.endpoint = servers[0].origin
  hub.cdn = servers[1].origin
  hub.close = () => {
    for (const { close } of servers) close()
  }
  return hub
}
