import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { withDiskErrors } from './disk-error.js'
import { withFreeLock } from './file-lock.js'
import { fileSize } from './hub-cache.js'
import { type HubRepository, isBlobName, lockPath } from './hub-repository.js'

/** How long the beginning of a file waits for a call that goes on with it. */
const keptMilliseconds = 7 * 24 * 3600 * 1000

/** The beginning of a blob, and what is noted beside it. */
const partsOf = (blob: string) => [`${blob}.partial`, `${blob}.partial.json`]

async function isOld(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && Date.now() - found.mtimeMs > keptMilliseconds
}

/** Whether nobody will go on: the blob is there, or what was begun has lain for a week. */
async function isLeftOver(blob: string): Promise<boolean> {
  if ((await fileSize(blob)) !== undefined) return true
  const [partial, note] = partsOf(blob) as [string, string]
  return (await isOld(partial)) || ((await fileSize(partial)) === undefined && (await isOld(note)))
}

/**
 * Removes beginnings of blobs that nobody will go on with, and that no process is fetching. Those of huggingface_hub
 * (`.incomplete`) are its own. Rejects with ERR_TORCH_DISK.
 */
export async function removeLeftovers(repository: HubRepository): Promise<void> {
  const names = await withDiskErrors(repository.blobs, () => readdir(repository.blobs))
  const begun = new Set(names.flatMap((name) => /^(\w+)\.partial(?:\.json)?$/.exec(name)?.[1] ?? []))
  for (const name of begun) {
    const blob = join(repository.blobs, name)
    if (!isBlobName(name) || !(await isLeftOver(blob))) continue
    await withFreeLock(lockPath(repository, name), async () => {
      if (!(await isLeftOver(blob))) return // somebody fetched some of it meanwhile
      for (const path of partsOf(blob)) await withDiskErrors(path, () => rm(path, { force: true }))
    })
  }
}
