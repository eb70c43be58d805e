import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { FakeWheel } from './fake-wheel.js'

export interface SeenRequest {
  path: string
  range: string | undefined
  authorization: string | undefined
}

type Respond = (request: IncomingMessage, response: ServerResponse, wheel: FakeWheel | undefined) => boolean

/** A package index on the loopback interface. */
export interface FakeIndex {
  /** Of the index: 'http://127.0.0.1:<port>/simple/'. */
  url: string
  origin: string
  wheels: FakeWheel[]
  requests: SeenRequest[]
  /** Answers in the index's place where it returns true. */
  respond: Respond
  format: 'html' | 'json'
  /** What the index promises; undefined: nothing. */
  promise: (wheel: FakeWheel) => string | undefined
  /** Of wheels, as the index links them. */
  filesAt: string
  /** Whether METADATA is served on its own. */
  servesMetadata: boolean
}

const projectOf = ({ file }: FakeWheel) => (file.split('-')[0] ?? '').replace(/_/g, '-')

function htmlPage({ promise, filesAt, servesMetadata }: FakeIndex, wheels: FakeWheel[]): string {
  const links = wheels.map((wheel) => {
    const hash = promise(wheel)
    const core = servesMetadata ? ' data-core-metadata="true"' : ''
    const href = `${filesAt}${encodeURIComponent(wheel.file)}${hash === undefined ? '' : `#sha256=${hash}`}`
    return `<a href="${href.replace(/&/g, '&amp;')}"${core} data-requires-python="&gt;=3.10">${wheel.file}</a><br/>`
  })
  return `<!DOCTYPE html><html><head><title>links</title></head><body>\n${links.join('\n')}\n</body></html>`
}

function jsonPage({ promise, filesAt, servesMetadata }: FakeIndex, wheels: FakeWheel[]): string {
  const files = wheels.map((wheel) => ({
    filename: wheel.file,
    url: `${filesAt}${encodeURIComponent(wheel.file)}`,
    hashes: promise(wheel) === undefined ? {} : { sha256: promise(wheel) },
    size: wheel.bytes.length,
    'core-metadata': servesMetadata,
  }))
  return JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'project', files })
}

export const etagOf = ({ sha256 }: FakeWheel) => `"${sha256.slice(0, 16)}"`

/** Sends a wheel as a good server does: with an ETag, and from the middle where it is asked to. */
export function sendWheel(request: IncomingMessage, response: ServerResponse, wheel: FakeWheel): void {
  const etag = etagOf(wheel)
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const condition = request.headers['if-range']
  const isRange = request.headers.range !== undefined && (condition === undefined || condition === etag)
  if (!isRange) {
    response.writeHead(200, { etag, 'content-length': wheel.bytes.length }).end(wheel.bytes)
  } else if (start >= wheel.bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${wheel.bytes.length}` }).end()
  } else {
    const range = `bytes ${start}-${wheel.bytes.length - 1}/${wheel.bytes.length}`
    const length = wheel.bytes.length - start
    response.writeHead(206, { etag, 'content-range': range, 'content-length': length })
    response.end(wheel.bytes.subarray(start))
  }
}

function answer(index: FakeIndex, request: IncomingMessage, response: ServerResponse): void {
  const path = decodeURIComponent(new URL(request.url ?? '/', index.origin).pathname)
  const { range, authorization } = request.headers
  index.requests.push({ path, range, authorization })
  const wheel = index.wheels.find(({ file }) => path.endsWith(`/${file}`))
  if (index.respond(request, response, wheel)) return
  const project = /^\/simple\/([^/]+)\/$/.exec(path)?.[1]
  const wheels = index.wheels.filter((each) => projectOf(each) === project)
  const described = index.wheels.find(({ file }) => path.endsWith(`/${file}.metadata`))
  if (wheel !== undefined) sendWheel(request, response, wheel)
  else if (described !== undefined && index.servesMetadata) response.end(described.metadata)
  else if (wheels.length === 0) response.writeHead(404).end('no such project')
  else if (index.format === 'html') response.setHeader('content-type', 'text/html').end(htmlPage(index, wheels))
  else response.setHeader('content-type', 'application/vnd.pypi.simple.v1+json').end(jsonPage(index, wheels))
}

/** Serves `wheels` until the test ends. */
export async function startFakeIndex(...wheels: FakeWheel[]): Promise<FakeIndex> {
  const server = createServer((request, response) => answer(index, request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const index: FakeIndex = {
    ...{ url: `${origin}/simple/`, origin, wheels, requests: [], format: 'html', filesAt: '../../files/' },
    ...{ servesMetadata: false, respond: () => false, promise: ({ sha256 }) => sha256 },
  }
  return index
}
