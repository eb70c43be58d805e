import { torchError } from '../core/errors.js'
import type { Requirement } from './requirement.js'
import { withWheel } from './wheel-archive.js'
import type { WheelLibrary } from './wheel-library.js'
import { isNvidia, requirementsOf } from './wheel-metadata.js'
import { fitsMachine, parseWheelName, type WheelMachine, type WheelName } from './wheel-name.js'
import { compareVersions, satisfies } from './wheel-version.js'

/** A wheel on disk. */
export interface LocalWheel {
  path: string
  name: WheelName
}

/** Fetches one wheel through pip; undefined where pip must not be asked. */
export type PipFetch = ((requirement: string) => Promise<string>) | undefined

/** What `libtorch_cpu.so` of a CUDA build is linked against. */
const neededOnCpu = /^nvidia-cuda-(runtime|cupti)(-cu\d+)?$/
/** Has no files, only requirements. */
const toolkit = 'cuda-toolkit'

export function localWheel(path: string): LocalWheel {
  const name = parseWheelName(path.split('/').at(-1) ?? '')
  if (name === undefined) throw torchError('ERR_TORCH_INSTALL', `Expected a wheel's name but received ${path}`)
  return { path, name }
}

/** The newest wheel that satisfies a requirement, of the first level that has one; then pip's. */
async function obtain(
  { project, specifier }: Requirement,
  library: WheelLibrary,
  machine: WheelMachine,
  pip: PipFetch,
): Promise<LocalWheel> {
  for (const level of library.levels) {
    const links = (await library.list(level, project)).filter(
      ({ name, yanked }) => !yanked && fitsMachine(name, machine) && satisfies(name.version, specifier),
    )
    const [best] = links.sort((a, b) => compareVersions(b.name.version, a.name.version))
    if (best !== undefined) return { path: await library.obtain(best), name: best.name }
  }
  if (pip !== undefined) return localWheel(await pip(`${project}${specifier}`))
  const places = library.refusals.filter(({ reason }) => reason.includes(project)).map(({ place }) => place)
  const looked = places.length === 0 ? '' : ` in ${places.join(', ')}`
  throw torchError('ERR_TORCH_INSTALL', `Expected a wheel of ${project}${specifier}${looked} but found none that fits`)
}

/**
 * The wheels of NVIDIA's libraries that a CUDA build of torch requires, and those that they require, breadth first: what
 * is pinned stands before what is not. For the CPU only the two that a CUDA build cannot be opened without.
 */
export async function obtainNvidia(
  torch: LocalWheel,
  variant: 'cpu' | 'cuda',
  library: WheelLibrary,
  machine: WheelMachine,
  pip: PipFetch,
): Promise<LocalWheel[]> {
  const obtained = new Map<string, { wheel: LocalWheel; metadata: string; extras: Set<string> }>()
  const read = ({ path }: LocalWheel) => withWheel(path, (wheel) => wheel.metadata())
  const waiting = requirementsOf(await read(torch), torch.name, machine).filter(isNvidia)
  for (let requirement = waiting.shift(); requirement !== undefined; requirement = waiting.shift()) {
    const { project, specifier, extras } = requirement
    if (variant === 'cpu' && project !== toolkit && !neededOnCpu.test(project)) continue
    let entry = obtained.get(project)
    if (entry === undefined) {
      const wheel = await obtain(requirement, library, machine, pip)
      entry = { wheel, metadata: await read(wheel), extras: new Set() }
      obtained.set(project, entry)
    } else if (!satisfies(entry.wheel.name.version, specifier)) {
      const message = `Expected ${project}${specifier} but another wheel requires ${entry.wheel.name.version.text}`
      throw torchError('ERR_TORCH_INSTALL', message)
    } else if (extras.every((extra) => entry?.extras.has(extra))) {
      continue
    }
    for (const extra of extras) entry.extras.add(extra)
    waiting.push(...requirementsOf(entry.metadata, entry.wheel.name, machine, extras).filter(isNvidia))
  }
  return [...obtained.values()].map(({ wheel }) => wheel)
}

/** 13 for a build that requires nvidia-cudnn-cu13 or cuda-toolkit==13.0.3; undefined for a CPU build. */
export function cudaMajorOf(requirements: readonly Requirement[]): number | undefined {
  for (const { project, specifier } of requirements.filter(isNvidia)) {
    const major = /-cu(\d\d)$/.exec(project)?.[1] ?? (project === toolkit ? /==(\d+)/.exec(specifier)?.[1] : undefined)
    if (major !== undefined) return Number(major)
  }
  return undefined
}
