import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { cudaMajorOfFolder } from '../core/cuda-version.js'
import { torchError } from '../core/errors.js'
import { cacheFolder } from '../core/libtorch-find.js'
import { readLibtorchFolder } from '../core/libtorch-folder.js'
import { withDiskErrors } from './disk-error.js'
import { requireDiskSpace } from './disk-space.js'
import { runtimeFiles } from './runtime-files.js'
import { syncFolder } from './sync-folder.js'
import { driverRuns, type TorchWish } from './torch-wish.js'
import { withWheel } from './wheel-archive.js'
import type { LocalWheel } from './wheel-link.js'

/** A libtorch in the package's cache. */
export interface CachedLibtorch {
  /** `<cache>/<version>-<variant>`; holds `torch/lib`. */
  folder: string
  /** As the build calls itself: '2.13.0+cpu'. */
  version: string
  variant: 'cpu' | 'cuda'
}

// Names of no libtorch, so that the finder never takes them.
const unfinished = '.install-'
const replaced = '.replaced-'

const libtorchName = /^\d+\.\d+\.\d+-(?:cpu|cu\d*)$/

/** The newest libtorch in the cache that is what `wish` asks for, and that the driver runs. */
export async function findCached(wish: TorchWish): Promise<CachedLibtorch | undefined> {
  const names = await withDiskErrors(cacheFolder(), () => readdir(cacheFolder()))
  const wanted = names.filter((name) => libtorchName.test(name))
  wanted.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
  for (const name of wanted) {
    const folder = join(cacheFolder(), name)
    const found = readLibtorchFolder(folder)
    if (typeof found === 'string' || found.variant !== wish.variant || !wish.minors.includes(found.minor)) continue
    const cuda = cudaMajorOfFolder(name)
    if (cuda !== undefined && !driverRuns(cuda, wish)) continue
    if (wish.version !== undefined && !name.startsWith(`${wish.version}-`)) continue
    return { folder, version: found.version, variant: found.variant }
  }
  return undefined
}

/** The name that a folder had which was put aside: '2.13.0-cpu' of '.replaced-2.13.0-cpu.<id>'. */
function nameBefore(aside: string): string | undefined {
  const name = aside.startsWith(replaced) ? aside.slice(replaced.length, aside.lastIndexOf('.')) : ''
  return libtorchName.test(name) ? name : undefined
}

/**
 * Clears up after processes that were killed: a libtorch that one had put aside, and not replaced yet, gets its name
 * back. The caller holds the cache's lock.
 */
export async function removeUnfinished(): Promise<void> {
  await withDiskErrors(cacheFolder(), async () => {
    const names = new Set(await readdir(cacheFolder()))
    for (const name of names) {
      if (!name.startsWith(unfinished) && !name.startsWith(replaced)) continue
      const before = nameBefore(name)
      if (before === undefined || names.has(before)) {
        await rm(join(cacheFolder(), name), { recursive: true, force: true })
      } else {
        await rename(join(cacheFolder(), name), join(cacheFolder(), before))
        names.add(before)
      }
    }
  })
}

interface UnpackOptions {
  signal: AbortSignal
  onProgress: (file: string, done: number, total: number) => void
}

/** '2.13.0-cpu' or '2.14.1-cu130', from what the unpacked torch says of itself. */
async function cacheName(folder: string, wish: TorchWish): Promise<string> {
  const found = readLibtorchFolder(folder)
  if (typeof found === 'string') {
    throw torchError('ERR_TORCH_INSTALL', `Expected a libtorch in the wheel of torch but it ${found}`)
  }
  const release = /^\d+\.\d+\.\d+(?=$|\+)/.exec(found.version)?.[0]
  if (release === undefined || !wish.minors.includes(found.minor) || found.variant !== wish.variant) {
    const wanted = `a ${wish.variant} build of libtorch ${wish.minors.join(' or ')}`
    throw torchError('ERR_TORCH_INSTALL', `Expected ${wanted} but the wheel holds ${found.version} (${found.variant})`)
  }
  if (found.variant === 'cpu') return `${release}-cpu`
  const text = await readFile(join(folder, 'torch', 'version.py'), 'utf8')
  const cuda = /^cuda\b[^=\n]*= *'(\d+)\.(\d+)/m.exec(text)
  return `${release}-cu${cuda === null ? '' : `${cuda[1]}${cuda[2]}`}`
}

async function unpack(wheels: readonly LocalWheel[], folder: string, wish: TorchWish, options: UnpackOptions) {
  const plans: { path: string; file: string; bytes: number }[] = []
  for (const { path, name } of wheels) {
    const files = await withWheel(path, async (wheel) => runtimeFiles(wheel.files, wish.variant))
    plans.push({ path, file: name.file, bytes: files.reduce((sum, { size }) => sum + size, 0) })
  }
  const total = plans.reduce((sum, { bytes }) => sum + bytes, 0)
  await requireDiskSpace([{ folder: cacheFolder(), bytes: total }])
  const folders = new Set([folder])
  let done = 0
  for (const { path, file } of plans) {
    await withWheel(path, async (wheel) => {
      for (const entry of runtimeFiles(wheel.files, wish.variant)) {
        const onProgress = (bytes: number) => {
          done += bytes
          options.onProgress(file, done, total)
        }
        await wheel.extract(entry, folder, { signal: options.signal, onProgress })
        const parts = entry.path.split('/').slice(0, -1)
        parts.forEach((_, i) => void folders.add(join(folder, ...parts.slice(0, i + 1))))
      }
    })
  }
  for (const each of folders) await withDiskErrors(each, () => syncFolder(each))
}

async function moveIntoPlace(folder: string, target: string): Promise<void> {
  const aside = join(cacheFolder(), `${replaced}${basename(target)}.${randomUUID()}`)
  await rename(target, aside).catch((error) => {
    if (error.code !== 'ENOENT') throw error
  })
  try {
    await rename(folder, target)
  } catch (error) {
    await rename(aside, target).catch(() => {}) // where there was one
    throw error
  }
  await syncFolder(cacheFolder())
  await rm(aside, { recursive: true, force: true })
}

/**
 * Unpacks what is needed at run time into the cache, in the wheels' own layout. The folder gets its name when all of it
 * is on disk; processes that run a replaced one keep its files. The caller holds the cache's lock.
 */
export async function fillCache(
  wheels: readonly LocalWheel[],
  wish: TorchWish,
  options: UnpackOptions,
): Promise<CachedLibtorch> {
  const folder = join(cacheFolder(), `${unfinished}${randomUUID()}`)
  try {
    await withDiskErrors(folder, () => mkdir(folder))
    await unpack(wheels, folder, wish, options)
    const target = join(cacheFolder(), await cacheName(folder, wish))
    options.signal.throwIfAborted()
    await withDiskErrors(target, () => moveIntoPlace(folder, target))
    const found = readLibtorchFolder(target)
    if (typeof found === 'string') throw torchError('ERR_TORCH_INTERNAL', `${target} ${found}`)
    return { folder: target, version: found.version, variant: found.variant }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
