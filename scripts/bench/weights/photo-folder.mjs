// A folder of many photographs of mixed sizes, one of which is no image any more.
import { linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Calls `use({folder, names, corrupt, good})` with a folder of `count` JPEGs, and removes it afterwards: names in order,
 * that of the corrupt one, a photograph of which the last two thirds are missing, and those of all others. Further names of
 * the photographs that there are (`source`: {folder, names}) cost neither time nor disk.
 */
export async function withPhotoFolder({ root, source, count }, use) {
  const folder = mkdtempSync(join(root, 'build', 'bench', 'photographs-'))
  try {
    const names = Array.from({ length: count }, (_, i) => `${String(i).padStart(4, '0')}.jpg`)
    const original = (place) => join(source.folder, source.names[place % source.names.length])
    const broken = Math.floor(count * 0.618)
    const corrupt = names[broken]
    for (const [place, name] of names.entries()) {
      if (name !== corrupt) linkSync(original(place), join(folder, name))
    }
    const whole = readFileSync(original(broken))
    writeFileSync(join(folder, corrupt), whole.subarray(0, whole.length / 3))
    return await use({ folder, names, corrupt, good: names.filter((name) => name !== corrupt) })
  } finally {
    rmSync(folder, { recursive: true })
  }
}
