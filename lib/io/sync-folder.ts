import { open } from 'node:fs/promises'
import { fileErrorCode } from './disk-error.js'

/** Folders that may be written but not read, and file systems that know no such thing: what is there is there all the same. */
const unimportant = new Set(['EACCES', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/** Makes a rename or a new file survive a power failure, where folders can be synced. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!unimportant.has(fileErrorCode(error) ?? '')) throw error
  }
}
