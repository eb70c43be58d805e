import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { addonMinors } from '../core/addon-files.js'
import { cudaVersionTag } from '../core/cuda-version.js'
import { invalidArgument, TorchError, torchError } from '../core/errors.js'
import { cacheFolder } from '../core/libtorch-find.js'
import { driverCuda } from '../core/native.js'
import { parseOptions } from '../core/options.js'
import { makeFolder } from './disk-error.js'
import { withFileLock } from './file-lock.js'
import { createHttpClient } from './http-client.js'
import { type InstallOptions, installOptions, type ParsedInstallOptions } from './install-options.js'
import { type CachedLibtorch, fillCache, findCached, removeUnfinished } from './libtorch-cache.js'
import { chooseSources, requirePlaces } from './libtorch-sources.js'
import { chooseNvidia, cudaMajorOf, type PipFetch } from './nvidia-wheels.js'
import { pipDownload } from './pip-download.js'
import { drained, progressStream } from './progress-stream.js'
import { findTorch } from './torch-search.js'
import { driverRuns, type TorchWish } from './torch-wish.js'
import { WheelLibrary } from './wheel-library.js'
import type { LocalWheel, WheelLink } from './wheel-link.js'
import { thisMachine } from './wheel-machine.js'
import { nvidiaRequirements } from './wheel-metadata.js'

/** A step of an installation. `subject` is a file, or for 'note', 'wait' and 'retry' a sentence. */
export interface InstallProgress {
  phase: 'note' | 'search' | 'wait' | 'download' | 'retry' | 'pip' | 'unpack'
  subject: string
  /** Bytes so far, of `total`. */
  done?: number
  total?: number | undefined
}

export interface InstalledLibtorch extends CachedLibtorch {
  /** false: it was there before. */
  fresh: boolean
}

type Report = (progress: InstallProgress) => void

const verb = 'installLibtorch'

function wishOf({ variant, version }: ParsedInstallOptions): TorchWish {
  const known = addonMinors()
  const minors = version === undefined ? known : known.filter((minor) => `${version}.`.startsWith(`${minor}.`))
  if (minors.length === 0) {
    const expected = known.length === 0 ? 'a package that has been built' : `a version of ${known.join(' or ')}`
    throw invalidArgument('version', `${expected}, which this package has addons for,`, version, { operation: verb })
  }
  const cuda = driverCuda()
  const driver = cuda === undefined ? undefined : cudaVersionTag(cuda)
  const exact = version?.split('.').length === 3 ? version : undefined
  const chosen = variant ?? (driver === undefined ? 'cpu' : 'cuda')
  return { variant: chosen, minors, version: exact, machine: thisMachine(), driver }
}

/** pip takes the newest that it knows; the newest addon is asked for first. */
async function torchThroughPip(wish: TorchWish, pip: NonNullable<PipFetch>, library: WheelLibrary) {
  const requirements =
    wish.version === undefined ? wish.minors.map((minor) => `torch==${minor}.*`) : [`torch==${wish.version}`]
  for (const requirement of requirements) {
    try {
      return await pip(requirement)
    } catch (error) {
      if (!(error instanceof TorchError) || error.code !== 'ERR_TORCH_DOWNLOAD') throw error
      library.refuse('pip', error.message, error)
    }
  }
  return undefined
}

/** Where a place could not be asked, the same call may find it later. */
function nothingFits({ variant, minors, version, machine, driver }: TorchWish, library: WheelLibrary): TorchError {
  const torch = `torch ${version ?? minors.map((minor) => `${minor}.*`).join(' or ')}`
  const cuda = driver === undefined ? 'CUDA' : `CUDA ${(driver / 10).toFixed(1)} or older`
  const list = library.refusals.map(({ place, reason }) => `  - ${place}: ${reason}`).join('\n')
  const fix =
    'name a package index (--index), a folder of wheels (--find-links) or a wheel (--from)' +
    (variant === 'cuda' ? ', or install a CPU build (--cpu)' : '')
  const target = `${variant === 'cpu' ? 'the CPU' : cuda}, ${machine.architecture}, glibc ${machine.glibc.join('.')}`
  const message = `Expected a wheel of ${torch} for ${target} but found none:\n${list}\nFix: ${fix}`
  const { cause } = library.refusals.find(({ cause }) => cause instanceof TorchError) ?? {}
  const code = cause instanceof TorchError && cause.retryable ? 'ERR_TORCH_DOWNLOAD' : 'ERR_TORCH_INSTALL'
  return torchError(code, message, { operation: verb, details: { refusals: library.refusals, fix }, cause })
}

async function requireBuild(torch: WheelLink, wish: TorchWish, library: WheelLibrary): Promise<void> {
  const { name } = torch
  const cuda = cudaMajorOf(nvidiaRequirements(await library.metadata(torch, [torch]), name, wish.machine))
  if (wish.variant === 'cpu' || (cuda !== undefined && driverRuns(cuda, wish))) return
  const actual = cuda === undefined ? 'a CPU build' : `for CUDA ${cuda}, newer than the driver's`
  await library.discard(torch)
  throw torchError('ERR_TORCH_INSTALL', `Expected a CUDA build that the driver runs but ${name.file} is ${actual}`)
}

async function obtainWheels(wish: TorchWish, library: WheelLibrary, pip: PipFetch): Promise<LocalWheel[]> {
  let torch = await findTorch(library, wish)
  if (torch === undefined && pip !== undefined) torch = await torchThroughPip(wish, pip, library)
  if (torch === undefined) throw nothingFits(wish, library)
  await requireBuild(torch, wish, library)
  return library.obtain([torch, ...(await chooseNvidia(torch, wish, library, pip))])
}

/** The caller holds the cache's lock. */
async function install(options: ParsedInstallOptions, wish: TorchWish, report: Report, signal: AbortSignal) {
  const downloads = join(cacheFolder(), 'downloads')
  const { levels, ordered, caFile } = await chooseSources(options, wish.variant)
  const client = await createHttpClient({ timeoutSeconds: options.timeoutSeconds, caFile })
  try {
    const library = new WheelLibrary({
      ...{ levels, downloads, unpackInto: cacheFolder(), allowUnverified: options.allowUnverified },
      network: {
        ...{ client, signal, retry: { retries: options.retries, delaySeconds: options.retryDelaySeconds } },
        onRetry: (reason, seconds) =>
          report({ phase: 'retry', subject: `${reason}; next attempt in ${seconds.toFixed(1)} s` }),
      },
      onProgress: (subject, done, total) => report({ phase: 'download', subject, done, total }),
    })
    const pip = (requirement: string) => {
      report({ phase: 'pip', subject: requirement })
      return pipDownload(requirement, join(downloads, 'pip'), signal)
    }
    if (wish.variant === 'cuda' && wish.driver === undefined) {
      report({ phase: 'note', subject: 'no CUDA driver finds a device here: this build is for a machine that has one' })
    }
    report({ phase: 'search', subject: `torch ${wish.version ?? wish.minors.join(' or ')} (${wish.variant})` })
    const wheels = await obtainWheels(wish, library, ordered ? undefined : pip)
    const onProgress = (subject: string, done: number, total: number) =>
      report({ phase: 'unpack', subject, done, total })
    const cached = await fillCache(wheels, wish, { signal, onProgress })
    await rm(downloads, { recursive: true, force: true })
    return cached
  } finally {
    await client.close()
  }
}

async function run(options: ParsedInstallOptions, report: Report, signal: AbortSignal): Promise<InstalledLibtorch> {
  signal.throwIfAborted()
  const wish = wishOf(options)
  await requirePlaces(options)
  await makeFolder(cacheFolder())
  const fitting = async () => {
    const cached = options.force ? undefined : await findCached(wish)
    return cached && { ...cached, fresh: false }
  }
  const onWait = (pid: number) => report({ phase: 'wait', subject: `process ${pid} is installing` })
  return (
    (await fitting()) ??
    withFileLock(join(cacheFolder(), 'install.lock'), { signal, onWait }, async (lost) => {
      await removeUnfinished()
      const already = await fitting()
      if (already !== undefined) return already
      return { ...(await install(options, wish, report, AbortSignal.any([signal, lost]))), fresh: true }
    })
  )
}

/** Whether a report only goes on with what the one before it said. */
function replaces(next: InstallProgress, previous: InstallProgress): boolean {
  return next.done !== undefined && next.phase === previous.phase && next.subject === previous.subject
}

async function* steps(options?: InstallOptions): AsyncGenerator<InstallProgress, InstalledLibtorch, void> {
  const parsed = parseOptions(installOptions, options, verb)
  return yield* progressStream((report, signal) => run(parsed, report, signal), replaces, parsed.signal)
}

const drain = (options?: InstallOptions) => drained(steps(options))

/**
 * Installs libtorch into the package's cache, where it is found from then on: finds a wheel of torch in the sources that
 * options, environment and pip's configuration name, verifies it, unpacks what is needed, and gives it its name when it
 * is complete. `installLibtorch.steps` is the same as an async iterator of progress that returns the result.
 *
 * Rejects with ERR_TORCH_INSTALL, ERR_TORCH_DOWNLOAD, ERR_TORCH_CHECKSUM, ERR_TORCH_DISK, `signal.reason`.
 */
export const installLibtorch: {
  (options?: InstallOptions): Promise<InstalledLibtorch>
  steps(options?: InstallOptions): AsyncGenerator<InstallProgress, InstalledLibtorch, void>
} = Object.assign(drain, { steps })
