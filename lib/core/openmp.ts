import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * How often a thread of libgomp looks for work before it sleeps. 'shared' gives the core away at once, for hosts where
 * anything else runs (Node itself does). 'latency' looks for some 20 us, in which the next operator of a model nearly always
 * comes; libgomp's own default, 300000, gains nothing over that on idle cores, and on busy ones single calls take many times
 * as long.
 */
export const spinCounts = { shared: 0, latency: 2000 } as const
export type Spin = keyof typeof spinCounts
export const defaultSpin: Spin = 'shared'

export interface ThreadLimit {
  threads: number
  /** What set the number. */
  reason: 'cores' | 'cgroup quota'
}

/** '0-2,5' -> [0, 1, 2, 5] */
function parseCpuList(text: string): number[] {
  return text.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}

function read(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined
}

/** Physical cores of the affinity mask: as in PyTorch, hyper-threads of one core count once. */
function affineCores(root: string): number {
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(read(join(root, 'proc/self/status')) ?? '')?.[1] ?? '0'
  const siblings = (cpu: number) => read(join(root, `sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`))
  return new Set(parseCpuList(allowed).map((cpu) => siblings(cpu) ?? `${cpu}`)).size
}

/** CPUs' worth of time per period that one cgroup may use; Infinity without a limit. */
function quotaOf(folder: string): number {
  const [quota, period] = (read(join(folder, 'cpu.max')) ?? '').split(' ').map(Number)
  if (quota !== undefined && period !== undefined && quota > 0 && period > 0) return quota / period
  const quotaV1 = Number(read(join(folder, 'cpu.cfs_quota_us')) ?? -1)
  const periodV1 = Number(read(join(folder, 'cpu.cfs_period_us')) ?? 0)
  return quotaV1 > 0 && periodV1 > 0 ? quotaV1 / periodV1 : Number.POSITIVE_INFINITY
}

/** The least quota of this process's cgroup and of all above it; v2 ('0::/path') and v1 ('3:cpu,cpuacct:/path'). */
function cgroupQuota(root: string): number {
  let least = Number.POSITIVE_INFINITY
  for (const line of (read(join(root, 'proc/self/cgroup')) ?? '').split('\n')) {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers !== '' && !controllers.split(',').includes('cpu')) continue
    for (const mount of ['sys/fs/cgroup', `sys/fs/cgroup/${controllers}`, 'sys/fs/cgroup/cpu']) {
      // In a container the path may be the host's, of which only the container's own part is mounted.
      const parts = path.split('/').filter((part) => part !== '' && part !== '..')
      for (let depth = parts.length; depth >= 0; depth--) {
        least = Math.min(least, quotaOf(join(root, mount, ...parts.slice(0, depth))))
      }
    }
  }
  return least
}

/** Cores that this process may really use: affinity, lowered by a CPU quota. `root` is where /proc and /sys are. */
export function usableCores(root = '/'): ThreadLimit {
  const cores = affineCores(root)
  const quota = Math.max(1, Math.ceil(cgroupQuota(root)))
  return quota < cores ? { threads: quota, reason: 'cgroup quota' } : { threads: cores, reason: 'cores' }
}
