import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { environmentVariable } from '../core/environment.js'
import { torchError } from '../core/errors.js'
import { fileErrorCode, withDiskErrors } from './disk-error.js'

const defaultEndpoint = 'https://huggingface.co'

/** os.path.expanduser and os.path.expandvars, for the process's own user. */
function expanded(path: string): string {
  const fromHome = path.replace(/^~(?=\/|$)/, homedir())
  return fromHome.replace(
    /\$(?:(\w+)|\{([^}]*)\})/g,
    (all, plain, braced) => environmentVariable(plain ?? braced) ?? all,
  )
}

function hubHome(): string {
  const userCache = environmentVariable('XDG_CACHE_HOME') ?? join(homedir(), '.cache')
  return expanded(environmentVariable('HF_HOME') ?? join(userCache, 'huggingface'))
}

/** Where huggingface_hub keeps repositories: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub, or in the user's cache. */
export function hubCacheFolder(): string {
  const chosen = environmentVariable('HF_HUB_CACHE') ?? environmentVariable('HUGGINGFACE_HUB_CACHE')
  return chosen === undefined ? join(hubHome(), 'hub') : expanded(chosen)
}

/** As huggingface_hub reads its switches. */
const isOn = (name: string) => /^(1|on|yes|true)$/i.test(environmentVariable(name) ?? '')

/** HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE: the network is not to be used. */
export function isHubOffline(): boolean {
  return isOn(environmentVariable('HF_HUB_OFFLINE') === undefined ? 'TRANSFORMERS_OFFLINE' : 'HF_HUB_OFFLINE')
}

/** HF_HUB_DISABLE_SYMLINKS: snapshots hold the files themselves. */
export const areHubLinksDisabled = (): boolean => isOn('HF_HUB_DISABLE_SYMLINKS')

/** HF_HUB_DOWNLOAD_TIMEOUT in seconds, as in Python 10 where it is not set. */
export function hubTimeoutSeconds(): number {
  const seconds = Number(environmentVariable('HF_HUB_DOWNLOAD_TIMEOUT') ?? 10)
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 10
}

/** HF_ENDPOINT or the public hub; without a slash at its end. Throws ERR_TORCH_INVALID_ARGUMENT. */
export function hubEndpoint(chosen: string | undefined): string {
  const address = chosen ?? environmentVariable('HF_ENDPOINT') ?? defaultEndpoint
  const name = chosen === undefined ? 'HF_ENDPOINT' : 'endpoint'
  const isAddress = URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)
  if (isAddress) return address.replace(/\/+$/, '')
  // The address is not shown: it may hold a password.
  throw torchError('ERR_TORCH_INVALID_ARGUMENT', `Expected an http or https address for ${name} but received another`)
}

async function storedToken(): Promise<string | undefined> {
  if (isOn('HF_HUB_DISABLE_IMPLICIT_TOKEN')) return undefined
  const chosen = environmentVariable('HF_TOKEN') ?? environmentVariable('HUGGING_FACE_HUB_TOKEN')
  if (chosen !== undefined) return chosen
  const place = environmentVariable('HF_TOKEN_PATH')
  const file = place === undefined ? join(hubHome(), 'token') : expanded(place)
  return withDiskErrors(file, () =>
    readFile(file, 'utf8').catch((error) => {
      if (fileErrorCode(error) === 'ENOENT' || fileErrorCode(error) === 'ENOTDIR') return undefined
      throw error
    }),
  )
}

/** Throws ERR_TORCH_INVALID_ARGUMENT, without the token. */
export function requireToken(token: unknown, operation?: string): void {
  if (token === undefined || token === false || (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token))) return
  const message = 'Expected printable characters, or false, for token but received something else (not shown)'
  throw torchError('ERR_TORCH_INVALID_ARGUMENT', message, { operation })
}

/**
 * The token to send: the chosen one, HF_TOKEN, HUGGING_FACE_HUB_TOKEN, or that of the file HF_TOKEN_PATH or
 * HF_HOME/token; none for `false` or where nothing names one. Rejects with ERR_TORCH_INVALID_ARGUMENT, ERR_TORCH_DISK.
 */
export async function hubToken(chosen: string | false | undefined): Promise<string | undefined> {
  const token = chosen === false ? undefined : (chosen ?? (await storedToken())?.trim())
  if (!token) return undefined
  requireToken(token)
  return token
}
