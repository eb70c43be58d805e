import { stat, statfs } from 'node:fs/promises'
import { torchError } from '../core/errors.js'
import { makeFolder, withDiskErrors } from './disk-error.js'

export interface SpaceNeed {
  folder: string
  /** Bytes that will be written there. */
  bytes: number
}

/** '1.4 GB', '20.0 MB', '512 B' */
export function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`
  return bytes >= 1e5 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes)} B`
}

/**
 * ERR_TORCH_DISK where a file system has less free space than its folders together need. Makes the folders.
 * A check, not a reservation: what others write meanwhile ends in ERR_TORCH_DISK too, later.
 */
export async function requireDiskSpace(needs: readonly SpaceNeed[]): Promise<void> {
  const byDevice = new Map<number, SpaceNeed>()
  for (const { folder, bytes } of needs) {
    await makeFolder(folder)
    const { dev } = await withDiskErrors(folder, () => stat(folder))
    byDevice.set(dev, { folder, bytes: bytes + (byDevice.get(dev)?.bytes ?? 0) })
  }
  for (const { folder, bytes } of byDevice.values()) {
    const { bavail, bsize } = await statfs(folder)
    const free = bavail * bsize
    if (free >= bytes) continue
    const message = `Expected ${formatBytes(bytes)} of free disk space for ${folder} but found ${formatBytes(free)}`
    throw torchError('ERR_TORCH_DISK', message, { details: { folder, needed: bytes, free } })
  }
}
