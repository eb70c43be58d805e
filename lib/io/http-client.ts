import { readFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Dispatcher, Pool } from 'undici'
import { TorchError, torchError } from '../core/errors.js'
import { withDiskErrors } from './disk-error.js'
import { percentDecoded } from './percent-decoded.js'
import { proxyVariables } from './proxy-variables.js'
import { redactedUrl } from './redacted-url.js'
import { transientFailure } from './retry.js'

export interface HttpClientOptions {
  /** The longest silence of a server, in seconds: to connect, until the headers, between two parts of the body. */
  timeoutSeconds: number
  /** A PEM file of certificate authorities to trust besides Node's. */
  caFile?: string | undefined
}

/** What came before any body. */
export interface HttpHead {
  status: number
  url: string
  header(name: string): string | undefined
}

export interface HttpGet {
  headers?: Record<string, string>
  /** Statuses that the caller deals with; others are errors. */
  accept: readonly number[]
  /** Whether a redirect is not followed but is itself the answer. */
  acceptRedirect?: (redirect: HttpHead) => boolean
  /** The error of a final refusal. Default: ERR_TORCH_DOWNLOAD. */
  refusal?: ((answer: HttpHead) => Error) | undefined
  signal?: AbortSignal | undefined
}

/** `url` is the address after redirects. */
export interface HttpResponse extends HttpHead {
  body: Readable
}

/**
 * GET and HEAD requests with proxies from HTTP_PROXY, HTTPS_PROXY and NO_PROXY, credentials from the address, redirects.
 * Rejects with ERR_TORCH_DOWNLOAD, of which `isTransient` knows what may pass, `signal.reason`.
 */
export interface HttpClient {
  get(address: string, request: HttpGet): Promise<HttpResponse>
  head(address: string, request: HttpGet): Promise<HttpHead>
  close(): Promise<void>
}

const transientStatuses = [408, 425, 429, 500, 502, 503, 504]
const redirectStatuses = [301, 302, 303, 307, 308]
const mostRedirects = 10

/** Credentials in the address itself. */
function authorizationOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  const pair = `${percentDecoded(username)}:${percentDecoded(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

/** What another origin may not see. */
function withoutSecrets(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(authorization|cookie)$/i.test(name)))
}

function redirectTarget(from: URL, location: string): URL {
  const target = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  const isSafe = target?.protocol === 'https:' || (target?.protocol === 'http:' && from.protocol === 'http:')
  if (target !== undefined && isSafe) return target
  const actual = target === undefined ? 'an address that cannot be parsed' : redactedUrl(target)
  const message = `Expected a redirect of ${redactedUrl(from)} to an https address but received ${actual}`
  throw torchError('ERR_TORCH_DOWNLOAD', message)
}

function retryAfterSeconds(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined
}

/** RateLimit: "resolvers";r=0;t=42 */
const rateLimitSeconds = (value: string | undefined) => retryAfterSeconds(/(?:^|;)\s*t=(\d+)/.exec(value ?? '')?.[1])

/** Codes of certificates that are not trusted; trying again does not help. */
const certificateCode = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH)/

/** What broke a connection, in the words of the system: 'ECONNRESET', 'other side closed'. */
export function connectionFailure(cause: unknown): Error {
  const { code = '', message = String(cause) } = cause as { code?: string; message?: string }
  const reason = message === '' || message.includes('://') ? code : message
  const details = { unreachable: true }
  if (code === 'ENOTFOUND') {
    const message = `Expected a network that knows the host but it does not: ${reason}`
    return torchError('ERR_TORCH_DOWNLOAD', message, { cause, details })
  }
  if (!certificateCode.test(code)) return transientFailure(`the connection failed: ${reason}`, { cause, details })
  const hint = 'set NODE_EXTRA_CA_CERTS to the file of your certificate authority'
  return torchError('ERR_TORCH_DOWNLOAD', `Expected a trusted certificate but received ${reason} (${code}): ${hint}`)
}

function defaultRefusal({ status, url }: HttpHead): Error {
  const hint =
    status === 401 || status === 403 ? ' (credentials belong into the address: https://user:token@host/)' : ''
  const message = `Expected a file from ${redactedUrl(url)} but received HTTP status ${status}${hint}`
  return torchError('ERR_TORCH_DOWNLOAD', message, { details: { status } })
}

/** Dials a proxy. undici would dial one that hangs up for ever, and wait five minutes for one that is silent. */
function proxyClient(pool: Pool): Dispatcher {
  const connect = pool.connect.bind(pool)
  const failing = (cause: unknown) => {
    throw Object.assign(new Error(`the proxy refuses: ${(cause as Error).message}`), { code: 'ECONNREFUSED', cause })
  }
  return Object.assign(pool, {
    connect: (options: Dispatcher.ConnectOptions) => connect(options).catch(failing),
  })
}

/** Rejects with ERR_TORCH_DISK for `caFile`, ERR_TORCH_INVALID_ARGUMENT for a variable that names no proxy. */
export async function createHttpClient({ timeoutSeconds, caFile }: HttpClientOptions): Promise<HttpClient> {
  const [{ EnvHttpProxyAgent, Pool, request }, { rootCertificates }] = await Promise.all([
    import('undici'), // half of a bare import's time, and only downloads need it
    import('node:tls'),
  ])
  const timeout = timeoutSeconds * 1000
  const extra = caFile === undefined ? [] : [await withDiskErrors(caFile, () => readFile(caFile, 'utf8'))]
  const tls = extra.length === 0 ? {} : { ca: [...rootCertificates, ...extra] }
  const dispatcher = new EnvHttpProxyAgent({
    ...proxyVariables(),
    connect: { timeout, ...tls },
    requestTls: { timeout, ...tls },
    headersTimeout: timeout,
    bodyTimeout: timeout,
    clientFactory: (origin, options) => proxyClient(new Pool(origin, { ...options, headersTimeout: timeout })),
    proxyTunnel: false, // plain http goes through a proxy as a plain request; https is tunnelled in any case
  })

  type Method = 'GET' | 'HEAD'

  async function send(method: Method, url: URL, headers: Record<string, string>, signal: AbortSignal | undefined) {
    const bare = new URL(url)
    bare.username = ''
    bare.password = ''
    bare.hash = ''
    const allHeaders = { ...headers, ...authorizationOf(url) }
    try {
      return await request(bare, { method, dispatcher, headers: allHeaders, signal: signal ?? null })
    } catch (cause) {
      signal?.throwIfAborted()
      throw connectionFailure(cause)
    }
  }

  async function ask(method: Method, address: string, request: HttpGet): Promise<HttpResponse> {
    const { headers = {}, accept, acceptRedirect, refusal = defaultRefusal, signal } = request
    let url = new URL(address)
    let sent = headers
    for (let redirects = 0; redirects <= mostRedirects; redirects++) {
      const response = await send(method, url, sent, signal)
      const header = (name: string) => {
        const value = response.headers[name]
        return Array.isArray(value) ? value[0] : value
      }
      const status = response.statusCode
      const head = { status, url: url.href, header }
      const isRedirect = redirectStatuses.includes(status) && header('location') !== undefined
      if (accept.includes(status) || (isRedirect && acceptRedirect?.(head))) return { ...head, body: response.body }
      response.body.on('error', () => {}) // of a body that nobody reads
      response.body.destroy()
      if (isRedirect) {
        const target = redirectTarget(url, header('location') ?? '')
        if (target.origin !== url.origin) sent = withoutSecrets(sent)
        else if (target.username === '') [target.username, target.password] = [url.username, url.password]
        url = target
      } else if (transientStatuses.includes(status)) {
        const wait = retryAfterSeconds(header('retry-after')) ?? rateLimitSeconds(header('ratelimit'))
        throw transientFailure(`the server answered with HTTP status ${status}`, { retryAfterSeconds: wait })
      } else {
        throw refusal(head)
      }
    }
    throw torchError('ERR_TORCH_DOWNLOAD', `Expected at most ${mostRedirects} redirects of ${redactedUrl(address)}`)
  }

  return {
    get: (address, request) => ask('GET', address, request),
    async head(address, request) {
      const { body, ...head } = await ask('HEAD', address, request)
      body.on('error', () => {})
      body.resume() // there is none, but only its end frees the connection
      return head
    },
    close: () => dispatcher.destroy(),
  }
}

/** Reads a small text, such as an index page, whole. */
export async function readText(response: HttpResponse, limitBytes: number, signal?: AbortSignal): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response.body) {
      size += chunk.length
      if (size > limitBytes) {
        const message = `Expected at most ${limitBytes} bytes from ${redactedUrl(response.url)} but received more`
        throw torchError('ERR_TORCH_DOWNLOAD', message)
      }
      chunks.push(chunk)
    }
  } catch (cause) {
    signal?.throwIfAborted()
    throw cause instanceof TorchError ? cause : connectionFailure(cause)
  }
  return Buffer.concat(chunks).toString('utf8')
}
