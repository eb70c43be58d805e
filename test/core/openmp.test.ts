import { join } from 'node:path'
import { expect, test } from 'vitest'
import { usableCores } from '../../lib/core/openmp.js'
import { temporaryFolder, writeFile } from '../support/libtorch-folders.js'

/** A root folder with the given files of /proc and /sys. */
function machine(files: Record<string, string>): string {
  const root = temporaryFolder()
  for (const [path, text] of Object.entries(files)) writeFile(join(root, path), `${text}\n`)
  return root
}

const status = (cpus: string) => ({ 'proc/self/status': `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${cpus}` })

const pairs = Object.fromEntries(
  Array.from({ length: 8 }, (_, cpu) => [
    `sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`,
    cpu < 4 ? `${cpu},${cpu + 4}` : `${cpu - 4},${cpu}`,
  ]),
)

test.each([
  ['counts the CPUs of the affinity mask', status('0-3,6'), 5, 'cores'],
  ['counts hyper-threads of one core once', { ...status('0-7'), ...pairs }, 4, 'cores'],
  ['counts cores of which only one hyper-thread is allowed', { ...status('1,6'), ...pairs }, 2, 'cores'],
  ['knows one core at least', {}, 1, 'cores'],
  [
    'obeys the cgroup v2 quota of the root',
    { ...status('0-7'), 'proc/self/cgroup': '0::/', 'sys/fs/cgroup/cpu.max': '200000 100000' },
    2,
    'cgroup quota',
  ],
  [
    'obeys the least cgroup v2 quota on the way to the root, rounded up',
    {
      ...status('0-7'),
      'proc/self/cgroup': '0::/system.slice/app.service',
      'sys/fs/cgroup/system.slice/cpu.max': '150000 100000',
      'sys/fs/cgroup/system.slice/app.service/cpu.max': '600000 100000',
    },
    2,
    'cgroup quota',
  ],
  [
    'ignores cgroup v2 without a limit, and limits above the number of cores',
    {
      ...status('0-3'),
      'proc/self/cgroup': '0::/a',
      'sys/fs/cgroup/cpu.max': 'max 100000',
      'sys/fs/cgroup/a/cpu.max': '900000 100000',
    },
    4,
    'cores',
  ],
  [
    'obeys a cgroup v1 quota below one core',
    {
      ...status('0-7'),
      'proc/self/cgroup': '4:memory:/x\n3:cpu,cpuacct:/docker/abc',
      'sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us': '50000',
      'sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us': '100000',
    },
    1,
    'cgroup quota',
  ],
  [
    "obeys a cgroup v1 quota where the path is the host's and only the container's part is mounted",
    {
      ...status('0-7'),
      'proc/self/cgroup': '3:cpu:/docker/abc',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '300000',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
    },
    3,
    'cgroup quota',
  ],
  [
    'ignores cgroup v1 without a limit',
    {
      ...status('0-1'),
      'proc/self/cgroup': '1:cpu:/',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
    },
    2,
    'cores',
  ],
])('%s', (_, files, threads, reason) => {
  expect(usableCores(machine(files))).toEqual({ threads, reason })
})

test('this machine has between one core and as many as the affinity mask says', async () => {
  const { availableParallelism } = await import('node:os')
  const { threads } = usableCores()
  expect(threads).toBeGreaterThanOrEqual(1)
  expect(threads).toBeLessThanOrEqual(availableParallelism())
})
