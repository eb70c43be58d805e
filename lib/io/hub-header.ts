import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TorchError, torchError } from '../core/errors.js'
import { withDiskErrors } from './disk-error.js'
import { connectionFailure } from './http-client.js'
import type { HubCall } from './hub-call.js'
import { hubRefusal } from './hub-refusal.js'
import { fileAddress, hubHeaders } from './hub-server.js'
import type { HubTreeFile } from './hub-tree.js'
import { redactedUrl } from './redacted-url.js'
import { TransientFailure, withRetries } from './retry.js'
import { readSafetensorsHeader, type SafetensorsHeader } from './safetensors-header.js'

type RemoteFile = HubTreeFile & { commit: string }

async function fetchBeginning(call: HubCall, file: RemoteFile, bytes: number): Promise<Buffer> {
  const { repository, revision, signal } = call
  const server = await call.server()
  const { client, retry, onRetry } = server.network
  const url = fileAddress(server.endpoint, repository, file.commit, file.name)
  return withRetries({ ...retry, subject: redactedUrl(url), onRetry, signal }, async () => {
    const headers = { ...hubHeaders(server, url), range: `bytes=0-${bytes - 1}`, 'accept-encoding': 'identity' }
    const refusal = hubRefusal({ repository, revision, file: file.name })
    const response = await client.get(url, { headers, accept: [200, 206], refusal, signal })
    const chunks: Buffer[] = []
    let size = 0
    try {
      for await (const chunk of response.body) {
        chunks.push(chunk)
        size += chunk.length
        if (size >= bytes) break // whatever more the server sends
      }
    } catch (cause) {
      signal.throwIfAborted()
      throw connectionFailure(cause)
    }
    if (size < bytes) throw new TransientFailure(`the connection ended after ${size} of ${bytes} bytes`)
    return Buffer.concat(chunks).subarray(0, bytes)
  })
}

const firstGuess = 100_000
/** Of the format itself. */
const longestHeader = 100_000_000

async function fetchHeaderBytes(call: HubCall, file: RemoteFile): Promise<Buffer> {
  const first = await fetchBeginning(call, file, Math.min(firstGuess, file.size))
  const length = first.length < 8 ? 0 : Number(first.readBigUInt64LE(0))
  const isLonger = 8 + length > first.length && 8 + length <= file.size && length <= longestHeader
  return isLonger ? fetchBeginning(call, file, 8 + length) : first
}

/**
 * The header of a file on the hub, without its tensors. There is one reader of headers, and it reads files: it gets one
 * of the right size whose tensors are a hole.
 */
export async function fetchSafetensorsHeader(
  call: HubCall,
  file: RemoteFile,
  operation: string,
): Promise<SafetensorsHeader> {
  const bytes = file.size === 0 ? Buffer.alloc(0) : await fetchHeaderBytes(call, file)
  const folder = await withDiskErrors(tmpdir(), () => mkdtemp(join(tmpdir(), 'node-libtorch-header-')))
  const path = join(folder, 'remote.safetensors')
  try {
    await withDiskErrors(path, async () => {
      await writeFile(path, bytes)
      await truncate(path, file.size)
    })
    return await readSafetensorsHeader(path, { operation, signal: call.signal })
  } catch (error) {
    if (!(error instanceof TorchError) || error.code !== 'ERR_TORCH_FILE_FORMAT') throw error
    const place = `${file.name} of ${call.repository.id}`
    throw torchError(error.code, error.message.replaceAll(path, place), { cause: error })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
