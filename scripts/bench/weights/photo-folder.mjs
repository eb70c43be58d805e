// A folder of many photographs of mixed sizes, one of which is no image any more.
import { linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Calls `use({folder, names, corrupt, good})` with a folder of the first `count` photographs of `source` ({folder, names}),
 * and removes it afterwards: names in order, that of the corrupt one, of which the last two thirds are missing, and those
 * of all others.
 */
export async function withPhotoFolder({ root, source, count }, use) {
  const folder = mkdtempSync(join(root, 'build', 'bench', 'photographs-'))
  try {
    const names = source.names.slice(0, count)
    const corrupt = names[Math.floor(count * 0.618)]
    for (const name of names) {
      if (name !== corrupt) linkSync(join(source.folder, name), join(folder, name)) // costs neither time nor disk
    }
    const whole = readFileSync(join(source.folder, corrupt))
    writeFileSync(join(folder, corrupt), whole.subarray(0, whole.length / 3))
    return await use({ folder, names, corrupt, good: names.filter((name) => name !== corrupt) })
  } finally {
    rmSync(folder, { recursive: true })
  }
}
