import { callerStacks } from './call-site.js'
import { cudaVersionText } from './cuda-version.js'
import { type FoundLibtorch, findLibtorch, type LibtorchSource } from './libtorch-find.js'
import type { LibtorchFolder } from './libtorch-folder.js'
import { type BootRecord, bootNative, driverCuda, native } from './native.js'
import type { Spin } from './openmp.js'
import { defineOptions, parseOptions } from './options.js'

const bootOptions = defineOptions((z) => ({
  path: z.string({ error: 'the path of a folder' }).min(1).optional(),
  spin: z.enum(['shared', 'latency']).optional(),
  threads: z.int().min(1).max(4096).optional(),
  callerStacks: z.boolean().optional(),
}))

const findOptions = defineOptions((z) => ({ path: z.string({ error: 'the path of a folder' }).min(1).optional() }))

/** Options of `libtorch.boot`. Each replaces what environment variables say. */
export interface BootOptions {
  /** A site-packages, `torch` or `lib` folder. Default: NODE_LIBTORCH_PATH, the cache, the torch of python3. */
  path?: string | undefined
  /**
   * 'shared' (default): idle OpenMP threads sleep at once. 'latency': they look for work for some 20 us first, faster on
   * cores that nothing else uses, slower on others. Default: GOMP_SPINCOUNT or OMP_WAIT_POLICY where set.
   */
  spin?: Spin | undefined
  /**
   * Intra-op threads, 1 to 4096. Default: OMP_NUM_THREADS, else the usable cores: affinity and cgroup quota.
   */
  threads?: number | undefined
  /** Errors of asynchronous calls carry their caller's stack (4 us per call). Default: NODE_LIBTORCH_CALLER_STACKS=1. */
  callerStacks?: boolean | undefined
}

export interface LibtorchInfo extends FoundLibtorch {
  cuda: {
    /** The CUDA version that the driver supports, such as '13.0'; null without a driver. */
    driver: string | null
    /** Whether this process computes on CUDA devices. */
    available: boolean
  }
  /** Intra-op threads. */
  threads: number
  /** What set the number of threads. */
  threadsReason: BootRecord['threadsReason']
  /** 'environment': GOMP_SPINCOUNT or OMP_WAIT_POLICY of the process decides. */
  spin: BootRecord['spin']
  cpuCapability: string
  /** The addon's folder, and the version of the headers it was compiled with. */
  addon: { path: string; torch: string }
}

function driverVersion(): string | null {
  const driver = driverCuda()
  return driver === undefined ? null : cudaVersionText(driver)
}

/** The libtorch of this process: which one, from where, with which threads. */
export const libtorch = {
  /**
   * Opens libtorch now, with these options; without this call the first tensor or module does, with defaults.
   * Synchronous, 0.3 s (1 s with CUDA) the first time in a process, at once afterwards.
   *
   * Throws ERR_TORCH_LIBTORCH_NOT_FOUND, ERR_TORCH_LIBTORCH_MISMATCH, and ERR_TORCH_LIBTORCH_BOOT where the process
   * (this thread or another worker) already runs with other options.
   */
  boot(options?: BootOptions): void {
    if (options === undefined) {
      native() // without zod, which costs 40 ms
      return
    }
    const { callerStacks: wanted, ...settings } = parseOptions(bootOptions, options, 'libtorch.boot')
    bootNative(settings)
    if (wanted !== undefined) callerStacks.enabled = wanted
  },

  /** What this process runs; boots libtorch where that has not happened. */
  info(): LibtorchInfo {
    const { addon, threadsReason, spin, path, version, minor, variant, source } = bootNative({})
    const { torch, deviceTypes, threads, cpuCapability } = native().build()
    return {
      ...{ path, version, minor, variant, source },
      cuda: { driver: driverVersion(), available: deviceTypes.includes('cuda') },
      ...{ threads, threadsReason, spin, cpuCapability },
      addon: { path: addon, torch },
    }
  },

  /**
   * The libtorch that `boot` would open: looks on disk (and asks python3) without opening anything.
   * Throws ERR_TORCH_LIBTORCH_NOT_FOUND, ERR_TORCH_LIBTORCH_MISMATCH.
   */
  find(options?: { path?: string | undefined }): FoundLibtorch {
    return findLibtorch(parseOptions(findOptions, options, 'libtorch.find').path, driverCuda)
  },
} as const

export type { FoundLibtorch, LibtorchFolder, LibtorchSource }
