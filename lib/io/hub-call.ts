import { disown, isOurs, nameOperation, TorchError, torchError } from '../core/errors.js'
import { createHttpClient } from './http-client.js'
import { hubEndpoint, hubTimeoutSeconds, hubToken, isHubOffline, requireToken } from './hub-environment.js'
import type { ParsedHubOptions } from './hub-options.js'
import type { ReportHubProgress } from './hub-progress.js'
import {
  type HubRepository,
  hubRepository,
  oneRevision,
  requireBelow,
  requireRepositoryName,
} from './hub-repository.js'
import type { HubServer } from './hub-server.js'
import type { RetryPolicy } from './retry.js'

/** What a call of `hub` was given. */
export interface HubRequest {
  /** The public verb. */
  operation: string
  repository: HubRepository
  revision: string
  options: ParsedHubOptions
}

/** A call of `hub` that runs. */
export interface HubCall extends HubRequest {
  offline: boolean
  report: ReportHubProgress
  signal: AbortSignal
  /** Made when it is asked for: what the cache has needs no client. */
  server(): Promise<HubServer>
}

/** Throws ERR_TORCH_INVALID_ARGUMENT. */
export function hubRequest(repoId: unknown, options: ParsedHubOptions, operation: string): HubRequest {
  const name = requireRepositoryName(repoId, operation)
  const repository = hubRepository(name.id, options.type, operation)
  requireToken(options.token, operation)
  const revision = requireBelow('revision', oneRevision(name, options.revision, operation) ?? 'main', operation)
  return { operation, repository, revision, options }
}

/** Runs `work`, and closes the connections that it made. */
export async function withHubCall<T>(
  request: HubRequest,
  { report, signal }: { report: ReportHubProgress; signal: AbortSignal },
  work: (call: HubCall) => Promise<T>,
): Promise<T> {
  const { retries, retryDelaySeconds: delaySeconds, timeoutSeconds = hubTimeoutSeconds(), ...options } = request.options
  signal.throwIfAborted()
  const connect = async (): Promise<HubServer> => {
    const [endpoint, token] = [hubEndpoint(options.endpoint), await hubToken(options.token)]
    const client = await createHttpClient({ timeoutSeconds })
    const onRetry = (reason: string, seconds: number) =>
      report({ phase: 'retry', subject: `${reason}; next attempt in ${seconds.toFixed(1)} s` })
    return { endpoint, token, network: { client, retry: { retries, delaySeconds }, onRetry, signal } }
  }
  let connection: Promise<HubServer> | undefined
  const server = () => {
    connection ??= connect()
    return connection
  }
  try {
    return await work({ ...request, offline: options.offline ?? isHubOffline(), report, signal, server })
  } catch (error) {
    const failure = signal.aborted ? error : withRemedies(request, error)
    if (signal.aborted) disown(failure)
    else nameOperation(failure, request.operation)
    throw failure
  } finally {
    const connected = await connection?.catch(() => undefined)
    await connected?.network.client.close()
  }
}

/** Of a request whose failure does not matter much. */
const once: RetryPolicy = { retries: 0, delaySeconds: 0 }

/** Asks the hub, at once and only once where the cache has an answer too. */
export async function askHub<T>(
  call: HubCall,
  { hasAnswer }: { hasAnswer: boolean },
  ask: (server: HubServer) => Promise<T>,
): Promise<T> {
  const server = await call.server()
  return ask(hasAnswer ? { ...server, network: { ...server.network, retry: once } } : server)
}

/** Whether the cache may answer in the hub's place: as in Python, unless the hub knows the repository and has no such thing. */
export function mayUseCache(error: unknown): error is TorchError {
  if (!(error instanceof TorchError)) return false
  if (error.code === 'ERR_TORCH_HUB_NOT_FOUND') return error.details?.missing === 'repository'
  return error.code === 'ERR_TORCH_DOWNLOAD' || error.code === 'ERR_TORCH_HUB_UNAUTHORIZED'
}

/** What brings a repository into the cache, on a machine that may ask the hub. */
function pullCommand({ repository: { id, type }, revision }: HubRequest): string {
  const flags = [
    ...(revision === 'main' ? [] : ['--revision', revision]),
    ...(type === 'model' ? [] : ['--type', type]),
  ]
  return ['npx node-libtorch pull', id, ...flags].join(' ')
}

/** A failure to reach the hub with what mends that; other errors as they are. */
function withRemedies(request: HubRequest, error: unknown): unknown {
  if (!isOurs(error) || !error.details?.unreachable) return error
  const remedies =
    `Set HTTPS_PROXY where a proxy leads there, HF_ENDPOINT where a mirror does, or HF_HUB_OFFLINE=1 so that nobody is ` +
    `asked; '${pullCommand(request)}' fills the cache where there is a network`
  return torchError(error.code, `${error.message}. ${remedies}`, { cause: error, details: error.details })
}

export function offlineError(request: HubRequest, wanted: string): TorchError {
  const { repository, revision } = request
  const { id, cache } = repository
  const message =
    `Expected ${wanted} of ${id} (${revision}) in ${cache} but found none, and the network is not to be used ` +
    `(offline, HF_HUB_OFFLINE): '${pullCommand(request)}' gets it where it may be`
  return torchError('ERR_TORCH_HUB_OFFLINE', message, { details: { repository: id, revision } })
}
