import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'

const sliceBytes = 2 ** 26

/**
 * Writes beside the target and renames, so that a crash or a full disk leaves the old file as it was. `stopped` throws
 * where nobody wants the file any more.
 */
export async function saveAtomically(path: string, bytes: Uint8Array, stopped: () => void): Promise<void> {
  const partial = `${path}.${randomUUID()}.partial`
  try {
    const file = await open(partial, 'wx')
    try {
      for (let start = 0; start < bytes.length; start += sliceBytes) {
        stopped()
        await file.writeFile(bytes.subarray(start, start + sliceBytes)) // from where the last one ended
      }
      await file.sync()
    } finally {
      await file.close()
    }
    stopped()
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}
