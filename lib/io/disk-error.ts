import { mkdir } from 'node:fs/promises'
import { torchError } from '../core/errors.js'

const reasons: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'its name is too long',
  EIO: 'the disk reports an error',
  EMFILE: 'too many files are open',
}

/** The `code` of an error of the file system, such as 'ENOSPC'; undefined for other values. */
export function fileErrorCode(error: unknown): string | undefined {
  const isSystemError = error instanceof Error && 'syscall' in error && 'code' in error
  return isSystemError && typeof error.code === 'string' ? error.code : undefined
}

/** Whether a link could not be made because the file system has none. */
export const lacksLinks = (error: unknown): boolean =>
  ['EPERM', 'ENOSYS', 'EOPNOTSUPP', 'ENOTSUP'].includes(fileErrorCode(error) ?? '')

/** Why something could not be read or written, without its name: 'it does not exist (ENOENT)'. */
export function diskReason(code: string): string {
  return `${reasons[code] ?? 'the system refused'} (${code})`
}

/** Runs `work`; an error of the file system becomes ERR_TORCH_DISK, which names `path`. Others pass. */
export async function withDiskErrors<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const code = fileErrorCode(cause)
    if (code === undefined) throw cause
    const message = `Expected ${path} to be usable but ${diskReason(code)}`
    throw torchError('ERR_TORCH_DISK', message, { details: { path, code }, cause })
  }
}

/** As `withDiskErrors`, but undefined where nothing is there. */
export async function whereFound<T>(path: string, look: () => Promise<T>): Promise<T | undefined> {
  return withDiskErrors(path, () =>
    look().catch((error) => {
      const code = fileErrorCode(error)
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      throw error
    }),
  )
}

/** Makes a folder and those above it. ERR_TORCH_DISK. */
export async function makeFolder(path: string): Promise<void> {
  await withDiskErrors(path, async () => {
    try {
      await mkdir(path, { recursive: true })
    } catch (error) {
      if (fileErrorCode(error) !== 'ENOENT') throw error
      await mkdir(path) // Node says ENOENT for a read-only file system: this has the system's own reason
    }
  })
}
