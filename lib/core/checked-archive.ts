import { createHash } from 'node:crypto'
import { constants, open } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { torchError } from './errors.js'

/** About a millisecond of hashing: what the event loop may have to wait for. */
const sliceBytes = 2 ** 20

/** Throws where nobody waits for the archive any more. */
type Stopped = () => void

const operation = 'Module.load'

function requireEqual(actual: string, sha256: string): void {
  if (actual === sha256.toLowerCase()) return
  const message = `Expected an archive with the SHA-256 ${sha256.toLowerCase()} but received ${actual}`
  throw torchError('ERR_TORCH_MODULE_LOAD', message, { operation, details: { sha256: actual } })
}

/** As they are now, whatever their owner writes later. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(bytes)
  } catch (cause) {
    const message = `Expected memory for a copy of ${bytes.length} bytes but there is none`
    throw torchError('ERR_TORCH_OUT_OF_MEMORY', message, { operation, cause })
  }
}

/** Into one buffer, slice by slice: fs.readFile ends at 2 GiB. */
async function readFile(path: string, onSlice: (slice: Uint8Array) => void): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK) // a pipe would wait for its writer
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new Error('it is not a regular file')
    const bytes = new Uint8Array(stat.size)
    let length = 0
    while (length < bytes.length) {
      const wanted = Math.min(sliceBytes, bytes.length - length)
      const { bytesRead } = await file.read(bytes, length, wanted, length)
      if (bytesRead === 0) break // it has become shorter
      onSlice(bytes.subarray(length, length + bytesRead))
      length += bytesRead
    }
    return bytes.subarray(0, length)
  } finally {
    await file.close()
  }
}

async function checkedFile(path: string, sha256: string, stopped: Stopped): Promise<Uint8Array> {
  const hash = createHash('sha256')
  let bytes: Uint8Array
  try {
    bytes = await readFile(path, (slice) => {
      stopped()
      hash.update(slice)
    })
  } catch (cause) {
    stopped()
    const message = `Expected a TorchScript archive but '${path}' cannot be read: ${(cause as Error).message}`
    throw torchError('ERR_TORCH_MODULE_LOAD', message, { operation, cause })
  }
  requireEqual(hash.digest('hex'), sha256)
  return bytes
}

async function checkedBytes(bytes: Uint8Array, sha256: string, stopped: Stopped): Promise<Uint8Array> {
  const hash = createHash('sha256')
  for (let start = 0; start < bytes.length; start += sliceBytes) {
    hash.update(bytes.subarray(start, start + sliceBytes))
    await setImmediate()
    stopped()
  }
  requireEqual(hash.digest('hex'), sha256)
  return bytes
}

/**
 * An archive, from a file or from bytes that nobody writes to, whose SHA-256 is the wanted one: what is loaded are the very
 * bytes that were checked. The event loop turns between slices. Rejects with ERR_TORCH_MODULE_LOAD.
 */
export function checkedArchive(source: string | Uint8Array, sha256: string, stopped: Stopped): Promise<Uint8Array> {
  return typeof source === 'string' ? checkedFile(source, sha256, stopped) : checkedBytes(source, sha256, stopped)
}
