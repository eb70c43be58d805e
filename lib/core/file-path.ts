import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { invalidArgument, readSafely } from './errors.js'

/**
 * What a caller names a file by, with the path in the place of a file: URL, which may be given as text. Throws for other
 * URLs.
 */
export function withoutFileUrl(value: unknown): unknown {
  if (value instanceof URL) return fileURLToPath(value)
  return typeof value === 'string' && /^file:\//i.test(value) ? fileURLToPath(value) : value
}

/** Absolute, because the working directory counts at the time of the call; undefined for what is neither path nor URL. */
export function absolutePath(value: unknown): string | undefined {
  const place = withoutFileUrl(value)
  return typeof place === 'string' && place !== '' && !place.includes('\0') ? resolve(place) : undefined
}

/** The absolute path of a file as a verb takes it: a path or a file: URL. Throws ERR_TORCH_INVALID_ARGUMENT. */
export function requireFilePath(path: unknown, operation: string): string {
  const given = { name: 'path', expected: 'a path or a file: URL', actual: path, operation }
  const place = readSafely(given, () => absolutePath(path))
  if (place !== undefined) return place
  throw invalidArgument(given.name, given.expected, path, { operation })
}

/**
 * Whether a name that came from elsewhere (an index file, a repository) stays below the folder that it is joined to: no
 * root, no empty part, no '.' or '..'.
 */
export function staysBelow(name: string): boolean {
  if (name.includes('\0') || name.includes('\\')) return false
  return name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}
