import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { lstat, lutimes, readdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { torchError } from '../core/errors.js'
import { fileErrorCode, withDiskErrors } from './disk-error.js'
import { type LockOwner, readOwner, removeLock, takeLock } from './lock-entry.js'

export interface LockOptions {
  signal?: AbortSignal | undefined
  /** Called once when another process, and which one is known, holds the lock. */
  onWait?: (pid: number) => void
}

const heartbeatSeconds = 2
/** A living owner is late by one heartbeat at most, unless its machine sleeps or its disk hangs. */
const silentSeconds = 30
const pollMilliseconds = 200

/** The 22nd field of /proc/<pid>/stat; the second one is a name that may hold anything. */
function processStart(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19]
  } catch (error) {
    if (fileErrorCode(error) === undefined) throw error
    return undefined // no such process
  }
}

function thisPlace(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return `${hostname()} ${boot} ${readlinkSync('/proc/self/ns/pid')}`
}

function newOwner(): LockOwner {
  return { token: randomUUID(), pid: process.pid, began: processStart(process.pid) ?? '', place: thisPlace() }
}

async function secondsSilent(path: string): Promise<number> {
  return (Date.now() - (await lstat(path)).mtimeMs) / 1000
}

async function isStale(path: string, owner: LockOwner): Promise<boolean> {
  if (owner.place === thisPlace() && processStart(owner.pid) !== owner.began) return true
  try {
    return (await secondsSilent(path)) > silentSeconds
  } catch (error) {
    if (fileErrorCode(error) === 'ENOENT') return false
    throw error
  }
}

/**
 * Makes `owner` the only one who may take a stale lock away: a claim on its token, which no other lock ever has. That of a
 * process that is gone is claimed in turn. The claims, or undefined while another process has them.
 */
async function claim(path: string, token: string, owner: LockOwner): Promise<string[] | undefined> {
  const place = `${path}.${token}`
  if (await takeLock(place, owner)) return [place]
  const other = await readOwner(place)
  if (other === undefined || !(await isStale(place, other))) return undefined
  const claims = await claim(path, other.token, owner)
  return claims && [place, ...claims]
}

/** Whether the stale lock is gone; it is not while another process takes it away. */
async function breakLock(path: string, stale: LockOwner, owner: LockOwner): Promise<boolean> {
  const claims = await claim(path, stale.token, owner)
  if (claims === undefined) return false
  try {
    if ((await readOwner(path))?.token === stale.token) await removeLock(path)
  } finally {
    for (const place of claims) await removeLock(place)
  }
  return true
}

async function acquire(path: string, owner: LockOwner, { signal, onWait }: LockOptions): Promise<void> {
  let announced = false
  while (!(await takeLock(path, owner))) {
    signal?.throwIfAborted()
    const other = await readOwner(path)
    if (other === undefined) continue
    const stale = await isStale(path, other)
    if (stale && (await breakLock(path, other, owner))) continue
    if (!stale && !announced && other.pid > 0) {
      onWait?.(other.pid)
      announced = true
    }
    await sleep(pollMilliseconds, undefined, { signal }).catch(() => signal?.throwIfAborted())
  }
}

/** Claims of processes that were killed before they could remove them. */
async function removeAbandoned(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.`)) continue
    const file = join(dirname(path), name)
    const owner = await readOwner(file)
    if (owner !== undefined && (await isStale(file, owner))) await removeLock(file)
  }
}

/**
 * Runs `work` while this process, and no other, holds the lock `path`; waits where another one does. The owner's
 * heartbeat is the lock's time of change: a lock of a process that is gone, or silent for 30 s, is taken over. `lost`
 * fires where that happened to this process (it was stopped for that long): `work` must end then.
 */
export async function withFileLock<T>(
  path: string,
  options: LockOptions,
  work: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const owner = newOwner()
  await withDiskErrors(path, () => acquire(path, owner, options))
  return holding(path, owner, async (lost) => {
    await withDiskErrors(path, () => removeAbandoned(path))
    return work(lost)
  })
}

/** As `withFileLock` where no living process holds the lock; else undefined, at once. */
export async function withFreeLock<T>(path: string, work: (lost: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const owner = newOwner()
  const isOurs = await withDiskErrors(path, async () => {
    const other = await readOwner(path)
    if (other !== undefined && (await isStale(path, other))) await breakLock(path, other, owner)
    return takeLock(path, owner)
  })
  return isOurs ? holding(path, owner, work) : undefined
}

async function holding<T>(path: string, owner: LockOwner, work: (lost: AbortSignal) => Promise<T>): Promise<T> {
  const losing = new AbortController()
  const beat = async () => {
    if ((await readOwner(path))?.token === owner.token) return lutimes(path, new Date(), new Date())
    const message = `Expected to hold ${path} but another process took it, because this one was silent for too long`
    losing.abort(torchError('ERR_TORCH_DOWNLOAD', message))
  }
  const timer = setInterval(() => beat().catch((error) => losing.abort(error)), heartbeatSeconds * 1000)
  try {
    return await work(losing.signal)
  } finally {
    clearInterval(timer)
    if ((await readOwner(path))?.token === owner.token) await removeLock(path)
  }
}
