import { mkdir, readFile, readlink, rename, rmdir, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileErrorCode, lacksLinks } from './disk-error.js'

/**
 * What a lock says. It is the target of a symbolic link or, where there are none (FAT, shares), in a file in a folder that
 * got its name with the file in it: either appears with all it says, or not at all. An empty folder is nobody's lock.
 */
export interface LockOwner {
  token: string
  pid: number
  /** When the process began, in the kernel's ticks: a process with a reused pid is not the owner. */
  began: string
  /** Host, boot and pid namespace: elsewhere the pid means nothing. */
  place: string
}

/** Of what is no lock of ours, such as a file that somebody made by hand. */
export const unknownOwner: LockOwner = { token: '', pid: 0, began: '', place: '' }

const inFolder = (path: string) => join(path, 'owner')

const isOneOf = (error: unknown, ...codes: string[]) => codes.includes(fileErrorCode(error) ?? '')

/** undefined: nothing is there. */
async function readEntry(path: string): Promise<string | undefined> {
  try {
    return await readlink(path)
  } catch (error) {
    if (isOneOf(error, 'ENOENT')) return undefined
    if (!isOneOf(error, 'EINVAL')) throw error
  }
  try {
    return await readFile(inFolder(path), 'utf8')
  } catch (error) {
    if (isOneOf(error, 'ENOENT', 'ENOTDIR')) return ''
    throw error
  }
}

/** undefined: there is no such lock. */
export async function readOwner(path: string): Promise<LockOwner | undefined> {
  const text = await readEntry(path)
  if (text === undefined) return undefined
  try {
    return { ...unknownOwner, ...JSON.parse(text) }
  } catch (error) {
    if (error instanceof SyntaxError) return unknownOwner
    throw error
  }
}

/** A folder is renamed to nothing but an empty one: whoever comes second is told. */
async function takeAsFolder(path: string, owner: LockOwner): Promise<boolean> {
  const draft = `${path}.${owner.token}.draft`
  await mkdir(draft)
  try {
    await writeFile(inFolder(draft), JSON.stringify(owner))
    await rename(draft, path)
    // If this process was stopped for long, its draft passed for abandoned and may have been emptied.
    return (await readOwner(path))?.token === owner.token
  } catch (error) {
    await removeLock(draft)
    if (isOneOf(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'ENOENT')) return false
    throw error
  }
}

/** Whether it was free. */
export async function takeLock(path: string, owner: LockOwner): Promise<boolean> {
  try {
    await symlink(JSON.stringify(owner), path)
    return true
  } catch (error) {
    if (isOneOf(error, 'EEXIST')) return false
    if (lacksLinks(error)) return takeAsFolder(path, owner)
    throw error
  }
}

/** Whether it was there. */
async function unlinkIfThere(path: string): Promise<boolean> {
  try {
    await unlink(path)
    return true
  } catch (error) {
    if (isOneOf(error, 'ENOENT')) return false
    throw error
  }
}

/** Removes a lock, also one that is no longer there. Rejects for a folder with other things in it. */
export async function removeLock(path: string): Promise<void> {
  try {
    await unlinkIfThere(path)
    return
  } catch (error) {
    if (!isOneOf(error, 'EISDIR')) throw error
  }
  const wasLock = await unlinkIfThere(inFolder(path)) // now it is free
  try {
    await rmdir(path)
  } catch (error) {
    const isOthers = wasLock && isOneOf(error, 'ENOTEMPTY', 'EEXIST')
    if (!isOthers && !isOneOf(error, 'ENOENT')) throw error
  }
}
