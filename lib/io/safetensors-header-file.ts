import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { throwIfAborted } from '../core/abort.js'
import { nameOperation, torchError } from '../core/errors.js'
import { withDiskErrors } from './disk-error.js'
import { headerLength, lengthBytes, parseSafetensorsHeader, type SafetensorsHeader } from './safetensors-header.js'
import { throughIndex } from './safetensors-index.js'

async function readExactly(handle: FileHandle, path: string, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  for (let read = 0; read < length; ) {
    const { bytesRead } = await handle.read(bytes, read, length - read, from + read)
    if (bytesRead === 0) {
      const message = `Expected the bytes that the header names but ${path} ends early`
      throw torchError('ERR_TORCH_FILE_FORMAT', message)
    }
    read += bytesRead
  }
  return bytes
}

async function readOpened(handle: FileHandle, path: string): Promise<SafetensorsHeader> {
  const found = await handle.stat()
  if (!found.isFile()) throw torchError('ERR_TORCH_DISK', `Expected a regular file but received ${path}`)
  const beginning = await readExactly(handle, path, 0, Math.min(lengthBytes, found.size))
  const length = headerLength(beginning, found.size, path)
  const json = await readExactly(handle, path, lengthBytes, length)
  return parseSafetensorsHeader(json, found.size - lengthBytes - length, path)
}

async function readSingle(path: string): Promise<SafetensorsHeader> {
  return withDiskErrors(path, async () => {
    // Opening a pipe would wait for its other end.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return await readOpened(handle, path)
    } finally {
      await handle.close()
    }
  })
}

async function readSharded(path: string, signal: AbortSignal | undefined): Promise<SafetensorsHeader> {
  const { metadata, tensors } = await throughIndex(path, async (shard) => {
    throwIfAborted(signal)
    const header = await readSingle(join(dirname(path), shard))
    return new Map(header.tensors.map((tensor) => [tensor.name, tensor]))
  })
  return { metadata, tensors: [...tensors.values()] }
}

/**
 * The header of a file, or of the index (`*.index.json`) of several and of the files that it names; without libtorch, and
 * without reading a tensor. Rejects with ERR_TORCH_FILE_FORMAT, ERR_TORCH_DISK, or the signal's reason.
 */
export async function readSafetensorsHeader(
  path: string,
  { operation, signal }: { operation: string; signal: AbortSignal | undefined },
): Promise<SafetensorsHeader> {
  throwIfAborted(signal)
  try {
    return await (path.endsWith('.index.json') ? readSharded(path, signal) : readSingle(path))
  } catch (error) {
    if (signal?.aborted !== true) nameOperation(error, operation)
    throw error
  }
}
