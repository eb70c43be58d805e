import { fileURLToPath } from 'node:url'
import { invalidArgument } from '../core/errors.js'

/** The path of a file as a verb takes it: a string or a file: URL. Throws ERR_TORCH_INVALID_ARGUMENT. */
export function requireFilePath(path: unknown, operation: string): string {
  const expected = 'a path or a file: URL'
  try {
    const place = path instanceof URL ? fileURLToPath(path) : path
    if (typeof place === 'string' && place !== '' && !place.includes('\0')) return place
  } catch (cause) {
    throw invalidArgument('path', expected, path, { operation, cause })
  }
  throw invalidArgument('path', expected, path, { operation })
}

/**
 * Whether a name that came from elsewhere (an index file, a repository) stays below the folder that it is joined to: no
 * root, no empty part, no '.' or '..'.
 */
export function staysBelow(name: string): boolean {
  if (name.includes('\0') || name.includes('\\')) return false
  return name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}
