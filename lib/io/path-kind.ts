import { stat } from 'node:fs/promises'
import { whereFound } from './disk-error.js'

export type PathKind = 'file' | 'folder' | 'other'

/** What lies there, behind links; undefined where nothing does. ERR_TORCH_DISK where that cannot be known. */
export async function pathKind(path: string): Promise<PathKind | undefined> {
  const found = await whereFound(path, () => stat(path))
  if (found === undefined) return undefined
  return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'other'
}

/** Undefined too where that cannot be known: then whoever opens it says why. */
export const pathKindIfKnown = (path: string): Promise<PathKind | undefined> => pathKind(path).catch(() => undefined)
