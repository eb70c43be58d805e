import { join } from 'node:path'
import { makeFolder, whereFound } from './disk-error.js'
import { requireDiskSpace } from './disk-space.js'
import { downloadFile } from './download.js'
import { gitSha1OfFile, sha256OfFile } from './file-digest.js'
import { withFileLock } from './file-lock.js'
import { fileSize } from './hub-cache.js'
import type { HubCall } from './hub-call.js'
import type { HubTransfer } from './hub-progress.js'
import { hubRefusal } from './hub-refusal.js'
import { lockPath, snapshotPath } from './hub-repository.js'
import { fileAddress, type HubFileFacts, hubHeaders } from './hub-server.js'
import { placeInSnapshot, tagCache } from './hub-store.js'

export interface HubFile extends HubFileFacts {
  name: string
}

/** Whether all bytes of a file are there. One that is shorter than the hub says was left by a client that checks nothing. */
async function isWhole(path: string, size: number | undefined): Promise<boolean> {
  const found = await fileSize(path)
  return found !== undefined && (size === undefined || found === size)
}

export const isInSnapshot = (
  { repository }: HubCall,
  { commit, name, size }: Pick<HubFile, 'commit' | 'name' | 'size'>,
): Promise<boolean> => isWhole(snapshotPath(repository, commit, name), size)

/** Bytes that have yet to come, as far as sizes tell; undefined: unknown. */
export async function bytesToCome(call: HubCall, { blob, size }: HubFile): Promise<number | undefined> {
  const path = join(call.repository.blobs, blob)
  if (!call.options.force && (await isWhole(path, size))) return 0
  return size === undefined ? undefined : Math.max(0, size - ((await fileSize(`${path}.partial`)) ?? 0))
}

const isSha256 = (blob: string) => blob.length === 64

async function download(call: HubCall, file: HubFile, transfer: HubTransfer, signal: AbortSignal): Promise<void> {
  const { repository, revision } = call
  const { blob, size, commit, name } = file
  const server = await call.server()
  // By its commit, not by where the hub redirected to before: such an address ends within the hour.
  const url = fileAddress(server.endpoint, repository, commit, name)
  await downloadFile({
    ...server.network,
    ...{ url, size, signal, target: join(repository.blobs, blob) },
    ...(isSha256(blob) ? { sha256: blob } : { gitSha1: blob }),
    headers: hubHeaders(server, url),
    refusal: hubRefusal({ repository, revision, file: name }),
    reserve: (bytes) => requireDiskSpace([{ folder: repository.blobs, bytes }]),
    onProgress: (received, total) => transfer.received(blob, received, total),
  })
}

/** Whether the cache has a blob whose bytes are those of its name: who left it there may have checked nothing. */
async function hasBlob(path: string, { blob, size }: HubFile, signal: AbortSignal): Promise<boolean> {
  const found = await fileSize(path)
  if (found === undefined || (size !== undefined && found !== size)) return false
  const digest = () => (isSha256(blob) ? sha256OfFile(path, signal) : gitSha1OfFile(path, found, signal))
  return (await whereFound(path, digest)) === blob
}

/**
 * The path of a file in its snapshot; fetched, verified and named by its checksum where it is not there yet. Of several
 * processes that want it, one fetches. (Python's lock is another one: beside Python both fetch, and either may win.)
 */
export async function obtain(
  call: HubCall,
  file: HubFile,
  transfer: HubTransfer,
  signal: AbortSignal = call.signal,
): Promise<string> {
  const { repository, report, options } = call
  const path = snapshotPath(repository, file.commit, file.name)
  if (options.force || !(await isInSnapshot(call, file))) {
    await Promise.all([repository.blobs, repository.locks].map(makeFolder))
    await tagCache(repository).catch(() => {}) // a courtesy to backups
    const onWait = (pid: number) => report({ phase: 'wait', subject: `process ${pid} is fetching ${file.name}` })
    await withFileLock(lockPath(repository, file.blob), { signal, onWait }, async (lost) => {
      const blob = join(repository.blobs, file.blob)
      const ending = AbortSignal.any([signal, lost])
      const isThere = !options.force && (await hasBlob(blob, file, ending))
      if (isThere) transfer.skip(file.blob)
      else await download(call, file, transfer, ending)
      await placeInSnapshot(blob, path)
    })
  }
  report({ phase: 'file', subject: file.name })
  return path
}
