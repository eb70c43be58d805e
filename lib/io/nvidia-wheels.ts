import { torchError } from '../core/errors.js'
import type { Requirement } from './requirement.js'
import type { TorchWish } from './torch-wish.js'
import type { WheelLibrary } from './wheel-library.js'
import type { WheelLink } from './wheel-link.js'
import { nvidiaRequirements } from './wheel-metadata.js'
import { fitsMachine, type WheelMachine } from './wheel-name.js'
import { compareVersions, satisfies } from './wheel-version.js'

/** Fetches one wheel through pip; undefined where pip must not be asked. */
export type PipFetch = ((requirement: string) => Promise<WheelLink>) | undefined

/** What `libtorch_cpu.so` of a CUDA build is linked against. */
const neededOnCpu = /^nvidia-cuda-(runtime|cupti)(-cu\d+)?$/
/** Has no files, only requirements. */
const toolkit = 'cuda-toolkit'

/** The newest wheel that satisfies a requirement, of the first level that has one; then pip's. */
async function choose(
  { project, specifier }: Requirement,
  library: WheelLibrary,
  machine: WheelMachine,
  pip: PipFetch,
): Promise<WheelLink> {
  for (const level of library.levels) {
    const links = (await library.list(level, project)).filter(
      ({ name, yanked }) => !yanked && fitsMachine(name, machine) && satisfies(name.version, specifier),
    )
    const [best] = links.sort((a, b) => compareVersions(b.name.version, a.name.version))
    if (best !== undefined) return best
  }
  if (pip !== undefined) return pip(`${project}${specifier}`)
  const places = library.refusals.filter(({ reason }) => reason.includes(project)).map(({ place }) => place)
  const looked = places.length === 0 ? '' : ` in ${places.join(', ')}`
  throw torchError('ERR_TORCH_INSTALL', `Expected a wheel of ${project}${specifier}${looked} but found none that fits`)
}

/**
 * The wheels of NVIDIA's libraries that a CUDA build of torch requires, and those that they require, level by level: what
 * is pinned stands before what is not. For the CPU only the two that a CUDA build cannot be opened without. Fetched are
 * only those whose requirements cannot be read otherwise, after a look for the space of all that are known by then.
 */
export async function chooseNvidia(
  torch: WheelLink,
  { variant, machine }: TorchWish,
  library: WheelLibrary,
  pip: PipFetch,
): Promise<WheelLink[]> {
  const chosen = new Map<string, { link: WheelLink; extras: Set<string> }>()
  const links = () => [...chosen.values()].map(({ link }) => link)
  const requirementsOf = async (link: WheelLink, extras: readonly string[]) =>
    nvidiaRequirements(await library.metadata(link, [torch, ...links()]), link.name, machine, extras)
  let level = await requirementsOf(torch, [])
  while (level.length > 0) {
    const grown: { link: WheelLink; extras: string[] }[] = []
    for (const requirement of level) {
      const { project, specifier, extras } = requirement
      if (variant === 'cpu' && project !== toolkit && !neededOnCpu.test(project)) continue
      const before = chosen.get(project)
      const entry = before ?? { link: await choose(requirement, library, machine, pip), extras: new Set() }
      chosen.set(project, entry)
      if (!satisfies(entry.link.name.version, specifier)) {
        const message = `Expected ${project}${specifier} but another wheel requires ${entry.link.name.version.text}`
        throw torchError('ERR_TORCH_INSTALL', message)
      }
      if (before !== undefined && extras.every((extra) => entry.extras.has(extra))) continue
      for (const extra of extras) entry.extras.add(extra)
      grown.push({ link: entry.link, extras })
    }
    level = []
    for (const { link, extras } of grown) level.push(...(await requirementsOf(link, extras)))
  }
  return links()
}

/** 13 for a build that requires nvidia-cudnn-cu13 or cuda-toolkit==13.0.3; undefined for a CPU build. */
export function cudaMajorOf(requirements: readonly Requirement[]): number | undefined {
  for (const { project, specifier } of requirements) {
    const major = /-cu(\d\d)$/.exec(project)?.[1] ?? (project === toolkit ? /==(\d+)/.exec(specifier)?.[1] : undefined)
    if (major !== undefined) return Number(major)
  }
  return undefined
}
