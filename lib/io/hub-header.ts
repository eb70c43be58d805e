import { connectionFailure } from './http-client.js'
import type { HubCall } from './hub-call.js'
import { hubRefusal } from './hub-refusal.js'
import { fileAddress, hubHeaders } from './hub-server.js'
import type { HubTreeFile } from './hub-tree.js'
import { redactedUrl } from './redacted-url.js'
import { transientFailure, withRetries } from './retry.js'
import { headerLength, lengthBytes, parseSafetensorsHeader, type SafetensorsHeader } from './safetensors-header.js'

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
    if (size < bytes) throw transientFailure(`the connection ended after ${size} of ${bytes} bytes`)
    return Buffer.concat(chunks).subarray(0, bytes)
  })
}

const firstGuess = 100_000

/** The header of a file on the hub, without its tensors. Rejects with ERR_TORCH_FILE_FORMAT and as `hub.file`. */
export async function fetchSafetensorsHeader(call: HubCall, file: RemoteFile): Promise<SafetensorsHeader> {
  const place = `${file.name} of ${call.repository.id}`
  const first = file.size === 0 ? Buffer.alloc(0) : await fetchBeginning(call, file, Math.min(firstGuess, file.size))
  const end = lengthBytes + headerLength(first, file.size, place)
  const bytes = end <= first.length ? first.subarray(0, end) : await fetchBeginning(call, file, end)
  return parseSafetensorsHeader(bytes.subarray(lengthBytes), file.size - end, place)
}
