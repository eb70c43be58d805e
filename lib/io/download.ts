import { dirname } from 'node:path'
import { TorchError, torchError } from '../core/errors.js'
import { makeFolder, withDiskErrors } from './disk-error.js'
import { connectionFailure, type HttpClient, type HttpGet, type HttpResponse } from './http-client.js'
import { PartialFile, type PartialOrigin } from './partial-file.js'
import { redactedUrl } from './redacted-url.js'
import { type RetryPolicy, transientFailure, withRetries } from './retry.js'

export interface Download {
  client: HttpClient
  url: string
  /** The path that the complete file gets; its folder is made. */
  target: string
  /** In hexadecimal digits. Without this one or the next, only the size is checked. */
  sha256?: string | undefined
  /** The name that git gives the content: the SHA-1 of 'blob <size>\0' and the bytes. */
  gitSha1?: string | undefined
  /** In bytes, where it is known beforehand. */
  size?: number | undefined
  headers?: Record<string, string>
  refusal?: HttpGet['refusal']
  retry: RetryPolicy
  /** Called when the size is known and before anything is written: the place to look for disk space. */
  reserve?: (bytesToCome: number, total: number) => Promise<void>
  onProgress?: (received: number, total: number | undefined) => void
  onRetry?: (reason: string, seconds: number) => void
  signal?: AbortSignal | undefined
}

/** If-Range takes strong validators only. */
function originOf(response: HttpResponse, size: number | undefined): PartialOrigin {
  const etag = response.header('etag')
  const validator = etag?.startsWith('"') ? etag : response.header('last-modified')
  const length = response.header('content-length')
  return { validator, total: length === undefined ? size : Number(length) }
}

/** What the caller knows counts more than what the server says. */
const promisedSize = ({ size }: Download, file: PartialFile): number | undefined => size ?? file.origin.total

const checksumOf = ({ sha256, gitSha1 }: Download) => (gitSha1 ?? sha256)?.toLowerCase()

function rangeHeaders(file: PartialFile): Record<string, string> {
  if (file.size === 0) return {}
  const { validator } = file.origin
  return { range: `bytes=${file.size}-`, ...(validator === undefined ? {} : { 'if-range': validator }) }
}

/** Whether a 206 answer continues exactly where the file ends. */
function continues(response: HttpResponse, file: PartialFile): boolean {
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.header('content-range') ?? '') ?? []
  if (Number(start) !== file.size) return false
  return total === '*' || file.origin.total === undefined || Number(total) === file.origin.total
}

/** Takes a body, or of one that is longer than promised a little more than that: `wrongBytes` tells. */
async function receive(download: Download, response: HttpResponse, file: PartialFile): Promise<void> {
  const { signal, onProgress } = download
  const promised = promisedSize(download, file) ?? Number.POSITIVE_INFINITY
  try {
    for await (const chunk of response.body) {
      await withDiskErrors(file.path, () => file.append(chunk))
      if (file.size > promised) break
      onProgress?.(file.size, file.origin.total)
    }
    await withDiskErrors(file.path, () => file.flush())
  } catch (cause) {
    signal?.throwIfAborted()
    throw cause instanceof TorchError ? cause : connectionFailure(cause)
  }
  const { total } = file.origin
  if (total !== undefined && file.size < total) {
    throw transientFailure(`the connection ended after ${file.size} of ${total} bytes`)
  }
}

async function attempt(download: Download, file: PartialFile): Promise<void> {
  const { client, url, size, headers, refusal, signal, reserve, onProgress } = download
  if (file.size > 0 && file.size === file.origin.total) return
  // Without a validator only a checksum can tell that two halves belong together.
  const isChecked = file.origin.validator !== undefined || checksumOf(download) !== undefined
  if (file.size > 0 && !isChecked) await file.restart({})
  const response = await client.get(url, {
    // Compressed on the way, a body could not be continued in the middle.
    headers: { ...headers, ...rangeHeaders(file), 'accept-encoding': 'identity' },
    accept: [200, 206, 416],
    refusal,
    signal,
  })
  try {
    if (response.status === 200) {
      await withDiskErrors(file.path, () => file.restart(originOf(response, size)))
    } else if (response.status !== 206 || !continues(response, file)) {
      await withDiskErrors(file.path, () => file.restart({}))
      throw transientFailure('the server could not continue a download, which begins anew')
    }
    const { total } = file.origin
    if (total !== undefined) await reserve?.(total - file.size, total)
    onProgress?.(file.size, total)
    await receive(download, response, file)
  } finally {
    response.body.on('error', () => {})
    response.body.destroy()
  }
}

async function wrongBytes(download: Download, file: PartialFile): Promise<TorchError | undefined> {
  const { url, gitSha1 } = download
  const wrong = (wanted: string, received: string, details: Record<string, unknown>) => {
    const message = `Expected ${wanted} of ${redactedUrl(url)} but received ${received}`
    return torchError('ERR_TORCH_CHECKSUM', message, { details })
  }
  const size = promisedSize(download, file) ?? file.size
  if (file.size !== size) {
    return wrong(`${size} bytes`, file.size > size ? 'more' : `${file.size}`, { expected: size, actual: file.size })
  }
  const expected = checksumOf(download)
  const actual = gitSha1 === undefined ? file.digest() : await withDiskErrors(file.path, () => file.gitDigest())
  if ((expected ?? actual) === actual) return undefined
  return wrong(`the ${gitSha1 === undefined ? 'SHA-256' : 'git SHA-1'} ${expected}`, actual, { expected, actual })
}

async function fill(download: Download, file: PartialFile): Promise<void> {
  const { url, retry, onRetry, signal } = download
  let received = 0
  const counting: Download = {
    ...download,
    onProgress: (now, total) => {
      received = Math.max(received, now)
      download.onProgress?.(now, total)
    },
  }
  const retrying = { ...retry, subject: redactedUrl(url), progress: () => received, onRetry, signal }
  await withRetries(retrying, () => attempt(counting, file))
}

/**
 * Fetches a file: continues what an earlier call, also of another process, left in `<target>.partial`, tries again
 * after failures that may pass, checks size and checksum, and only then gives the file its name. The caller keeps other
 * processes from the same target.
 *
 * Rejects with ERR_TORCH_DOWNLOAD, ERR_TORCH_CHECKSUM (nothing is kept), ERR_TORCH_DISK, `signal.reason`.
 */
export async function downloadFile(download: Download): Promise<void> {
  const { target, signal } = download
  signal?.throwIfAborted()
  await makeFolder(dirname(target))
  const file = await withDiskErrors(target, () => PartialFile.open(target, signal))
  let discarded = false
  try {
    const found = file.size
    await fill(download, file)
    let wrong = await wrongBytes(download, file)
    if (wrong !== undefined && found > 0) {
      // What was found may be the wrong half.
      await withDiskErrors(file.path, () => file.restart({}))
      await fill(download, file)
      wrong = await wrongBytes(download, file)
    }
    if (wrong !== undefined) {
      discarded = true
      await file.discard()
      throw wrong
    }
    discarded = true
    await withDiskErrors(target, () => file.finish())
  } finally {
    if (!discarded) await file.close()
  }
}
