import { randomUUID } from 'node:crypto'
import { copyFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { lacksLinks, makeFolder, withDiskErrors } from './disk-error.js'
import { fileSize, readIfFound } from './hub-cache.js'
import { areHubLinksDisabled } from './hub-environment.js'
import { type HubRepository, isCommit, missingPath, referencePath } from './hub-repository.js'

/** Makes a file under a name of its own, then gives it its name: readers never see a part of it. */
async function makeWhole(path: string, make: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${path}.${randomUUID().slice(0, 8)}.tmp`
  await makeFolder(dirname(path))
  await withDiskErrors(path, async () => {
    try {
      await make(draft)
      await rename(draft, path)
    } finally {
      await rm(draft, { force: true })
    }
  })
}

export const writeWhole = (path: string, text: string) => makeWhole(path, (draft) => writeFile(draft, text))

/** Notes which commit a branch or tag stands for. */
export async function rememberCommit(repository: HubRepository, revision: string, commit: string): Promise<void> {
  if (isCommit(revision)) return
  const path = referencePath(repository, revision)
  if ((await readIfFound(path))?.trim() !== commit) await writeWhole(path, commit)
}

/** Notes that a commit has no such file, as huggingface_hub does. */
export async function rememberMissing(repository: HubRepository, commit: string, name: string): Promise<void> {
  const path = missingPath(repository, commit, name)
  if ((await fileSize(path)) === undefined) await writeWhole(path, '')
}

/** Keeps backups from the cache: https://bford.info/cachedir */
const cacheTag = `Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by huggingface_hub.
# For information about cache directory tags, see:
#\thttps://bford.info/cachedir/
`

export async function tagCache({ cache }: HubRepository): Promise<void> {
  const path = join(cache, 'CACHEDIR.TAG')
  if ((await fileSize(path)) === undefined) await writeWhole(path, cacheTag)
}

/** Gives a blob its name in a snapshot: a link, or where there are no links a copy. */
export async function placeInSnapshot(blob: string, path: string): Promise<void> {
  await makeWhole(path, async (draft) => {
    if (areHubLinksDisabled()) return copyFile(blob, draft)
    try {
      await symlink(relative(dirname(path), blob), draft)
    } catch (error) {
      if (!lacksLinks(error)) throw error
      await copyFile(blob, draft)
    }
  })
}
