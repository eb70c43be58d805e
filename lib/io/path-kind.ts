import { stat } from 'node:fs/promises'
import { whereFound } from './disk-error.js'

/** A device is one that gives characters, such as a terminal or /dev/zero. */
export type PathKind = 'file' | 'folder' | 'pipe' | 'device' | 'other'

/** What lies there, behind links; undefined where nothing does. ERR_TORCH_DISK where that cannot be known. */
export async function pathKind(path: string): Promise<PathKind | undefined> {
  const found = await whereFound(path, () => stat(path))
  if (found === undefined) return undefined
  if (found.isFile()) return 'file'
  if (found.isDirectory()) return 'folder'
  if (found.isFIFO()) return 'pipe'
  return found.isCharacterDevice() ? 'device' : 'other'
}

/** Undefined too where that cannot be known: then whoever opens it says why. */
export const pathKindIfKnown = (path: string): Promise<PathKind | undefined> => pathKind(path).catch(() => undefined)
