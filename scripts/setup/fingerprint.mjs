// Says whether inputs of a step changed since it last succeeded.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** All files under the given files and folders, sorted; what does not exist is left out. */
export function filesUnder(...paths) {
  return paths.flatMap((path) => {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return []
    if (!stat.isDirectory()) return [path]
    return filesUnder(
      ...readdirSync(path)
        .sort()
        .map((name) => join(path, name)),
    )
  })
}

/** SHA-256 over names and contents of the files, and over further strings. */
export function fingerprint(paths, ...strings) {
  const hash = createHash('sha256')
  for (const file of filesUnder(...paths)) hash.update(`${file}\0`).update(readFileSync(file)).update('\0')
  for (const string of strings) hash.update(`${string}\0`)
  return hash.digest('hex')
}

export function stampEquals(stampFile, value) {
  return statSync(stampFile, { throwIfNoEntry: false }) !== undefined && readFileSync(stampFile, 'utf8') === value
}

export function writeStamp(stampFile, value) {
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, value)
}
