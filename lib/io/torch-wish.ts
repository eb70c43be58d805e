import type { WheelLink } from './wheel-link.js'
import { fitsMachine, type WheelMachine } from './wheel-name.js'
import { compareVersions, type WheelVersion } from './wheel-version.js'

/** The torch that is looked for. */
export interface TorchWish {
  variant: 'cpu' | 'cuda'
  /** Minor versions that this package has an addon for. */
  minors: readonly string[]
  /** Exactly this version, such as '2.13.0'. */
  version: string | undefined
  machine: WheelMachine
  /** The CUDA version of the driver as wheels write it, such as 130 for 13.0; undefined without a driver. */
  driver: number | undefined
}

/** What a wheel's local version says: '+cpu', '+cu130'. undefined: nothing, its metadata must tell. */
export function labelOf({ local }: WheelVersion): 'cpu' | 'cuda' | 'other' | undefined {
  if (local === '') return undefined
  if (local.startsWith('cpu')) return 'cpu'
  return /^cu\d+$/.test(local) ? 'cuda' : 'other'
}

/** 130 for '2.14.1+cu130'. */
function cudaLabel({ local }: WheelVersion): number | undefined {
  const digits = /^cu(\d+)$/.exec(local)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** A driver runs everything of its own major CUDA version and of older ones. */
export function driverRuns(cudaMajor: number, { driver }: TorchWish): boolean {
  return driver === undefined || cudaMajor <= Math.floor(driver / 10)
}

function isWanted({ name, yanked }: WheelLink, wish: TorchWish): boolean {
  const { release, epoch, pre, post, dev } = name.version
  if (epoch !== 0 || pre !== undefined || post !== undefined || dev !== undefined || release.length !== 3) return false
  const plain = release.join('.')
  if (wish.version !== undefined ? plain !== wish.version : yanked) return false
  if (!wish.minors.includes(release.slice(0, 2).join('.')) || !fitsMachine(name, wish.machine)) return false
  const label = labelOf(name.version)
  if (label === 'other') return false
  const cuda = cudaLabel(name.version)
  return wish.variant === 'cpu' || cuda === undefined || driverRuns(Math.floor(cuda / 10), wish)
}

/** Newest first; of one version the newest CUDA that is not newer than the driver's; of one build the newest Python. */
function compareLinks(a: WheelLink, b: WheelLink, { driver = Number.POSITIVE_INFINITY }: TorchWish): number {
  const [versionA, versionB] = [a.name.version, b.name.version]
  const bare = compareVersions({ ...versionB, local: '' }, { ...versionA, local: '' })
  const within = (version: WheelVersion) => Number((cudaLabel(version) ?? 0) <= driver)
  const python = b.name.python.localeCompare(a.name.python, 'en', { numeric: true })
  return bare || within(versionB) - within(versionA) || compareVersions(versionB, versionA) || python
}

/** The wheels of torch that may serve, best first, one per version and build. */
export function rankTorch(links: readonly WheelLink[], wish: TorchWish): WheelLink[] {
  const sorted = links.filter((link) => isWanted(link, wish)).sort((a, b) => compareLinks(a, b, wish))
  const seen = new Set<string>()
  return sorted.filter(({ name: { version } }) => !seen.has(version.text) && seen.add(version.text))
}
