import { isMainThread } from 'node:worker_threads'
import type { NativeBoot } from '../../binding.js'
import { addonMinors, loadBootAddon, loadTorchAddon, type TorchAddon, torchAddonFolder } from './addon-files.js'
import { settleArrived } from './arrivals.js'
import { createNativeError, torchError } from './errors.js'
import { type FoundLibtorch, findLibtorch } from './libtorch-find.js'
import { readLibtorchFolder } from './libtorch-folder.js'
import { defaultSpin, type Spin, spinCounts, usableCores } from './openmp.js'

export interface BootSettings {
  path?: string | undefined
  spin?: Spin | undefined
  threads?: number | undefined
}

/** How this process opened its libtorch: the first environment (main thread or worker) decides for all. */
export interface BootRecord extends FoundLibtorch {
  /** 'environment': a GOMP_SPINCOUNT or OMP_WAIT_POLICY of the user's was there. */
  spin: Spin | 'environment'
  /** As given to OpenMP; undefined: the user's OMP_NUM_THREADS decides. */
  threads: number | undefined
  threadsReason: 'option' | 'OMP_NUM_THREADS' | 'cores' | 'cgroup quota'
  addon: string
}

let bootAddon: NativeBoot | undefined
let addon: TorchAddon | undefined
let record: BootRecord | undefined

/** The boot addon, which knows the process's environment and driver without libtorch. */
export function boot(): NativeBoot {
  if (bootAddon === undefined) {
    const loaded = loadBootAddon()
    process.on('exit', () => {
      // A worker's end is not the end of the process.
      if (isMainThread) addon?.stop()
      loaded.leaveFirst()
    })
    bootAddon = loaded
  }
  return bootAddon
}

/** What cuDriverGetVersion says, such as 13000 for CUDA 13.0; undefined without a driver that finds a device. */
export function driverCuda(): number | undefined {
  const [status, number] = boot().driver() ?? [1, 0]
  return status === 0 ? number : undefined
}

function chooseThreads(settings: BootSettings): Pick<BootRecord, 'threads' | 'threadsReason'> {
  if (settings.threads !== undefined) return { threads: settings.threads, threadsReason: 'option' }
  if (boot().environment('OMP_NUM_THREADS')) return { threads: undefined, threadsReason: 'OMP_NUM_THREADS' }
  const { threads, reason } = usableCores()
  return { threads, threadsReason: reason }
}

function chooseSpin(settings: BootSettings): Spin | 'environment' {
  if (settings.spin !== undefined) return settings.spin
  const chosenByUser = boot().environment('GOMP_SPINCOUNT') || boot().environment('OMP_WAIT_POLICY')
  return chosenByUser ? 'environment' : defaultSpin
}

/** Opens libtorch, unless another environment of this process has done so, and returns how it was opened. */
function openLibtorch(settings: BootSettings): BootRecord {
  const running = boot().booted()
  if (running !== undefined) return JSON.parse(running)
  const found = findLibtorch(settings.path, driverCuda)
  const wanted: BootRecord = {
    ...found,
    spin: chooseSpin(settings),
    ...chooseThreads(settings),
    addon: torchAddonFolder(found.minor),
  }
  const threads = wanted.threads === undefined ? '' : `${wanted.threads}`
  const spinCount = wanted.spin === 'environment' ? '' : `${spinCounts[wanted.spin]}`
  const cuda = found.variant === 'cuda' && driverCuda() !== undefined
  try {
    return JSON.parse(boot().open(found.path, cuda, threads, spinCount, JSON.stringify(wanted)))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const hint = found.variant === 'cuda' ? ' (a CUDA build needs the nvidia packages of its wheel beside it)' : ''
    const message = `Expected a libtorch that opens but ${found.path} (${found.version}) does not: ${reason}${hint}`
    throw torchError('ERR_TORCH_LIBTORCH_BOOT', message, { cause, details: { path: found.path } })
  }
}

/** Another libtorch minor has other class layouts, and memory corruption is all that would tell. */
function requireMinor(opened: BootRecord): void {
  const [major, minor, patch] = boot().version()
  if (`${major}.${minor}` === opened.minor && addonMinors().includes(opened.minor)) return
  const message =
    `Expected libtorch ${opened.minor}, the version that the addon was built for, ` +
    `but ${opened.path} says that it is ${major}.${minor}.${patch}`
  throw torchError('ERR_TORCH_LIBTORCH_MISMATCH', message, { details: { path: opened.path } })
}

function requireSame(settings: BootSettings, opened: BootRecord): void {
  const conflicts: string[] = []
  if (settings.path !== undefined) {
    const folder = readLibtorchFolder(settings.path)
    if (typeof folder === 'string' || folder.path !== opened.path) conflicts.push(`path ${opened.path}`)
  }
  if (settings.spin !== undefined && settings.spin !== opened.spin) conflicts.push(`spin ${opened.spin}`)
  if (settings.threads !== undefined && settings.threads !== opened.threads) {
    conflicts.push(`threads ${opened.threads ?? 'of OMP_NUM_THREADS'}`)
  }
  if (conflicts.length === 0) return
  const message =
    `Expected the boot options that this process already runs with (${conflicts.join(', ')}) ` +
    'but received others: libtorch is opened once per process, by the first call that needs it'
  throw torchError('ERR_TORCH_LIBTORCH_BOOT', message, { details: { running: opened, received: settings } })
}

/**
 * Finds and opens libtorch and loads the addon for it; at once where this environment has done so. Synchronous: 0.3 s
 * the first time in a process. Throws ERR_TORCH_LIBTORCH_NOT_FOUND, _MISMATCH and _BOOT.
 */
export function bootNative(settings: BootSettings): BootRecord {
  const opened = record ?? openLibtorch(settings)
  requireMinor(opened)
  requireSame(settings, opened)
  if (addon === undefined) {
    const loaded = loadTorchAddon(opened.minor)
    loaded.initialize(createNativeError, settleArrived, opened.threads)
    addon = loaded
    record = opened
  }
  return opened
}

/** The addon; the first call of an environment boots libtorch with what it finds. */
export function native(): TorchAddon {
  if (addon === undefined) bootNative({})
  return addon as TorchAddon
}

/** Whether `native()` or `bootNative()` has succeeded in this environment. */
export function isBooted(): boolean {
  return addon !== undefined
}
