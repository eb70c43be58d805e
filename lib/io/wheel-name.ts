import { parseVersion, type WheelVersion } from './wheel-version.js'

/** What the name of a wheel file says: `torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl`. */
export interface WheelName {
  file: string
  /** Normalized, such as 'nvidia-cuda-runtime'. */
  project: string
  version: WheelVersion
  /** Such as 'cp311' or 'py3'. */
  python: string
  platforms: string[]
}

/** The machine that a wheel is to run on. */
export interface WheelMachine {
  /** As Python calls it. */
  architecture: 'x86_64' | 'aarch64'
  glibc: [major: number, minor: number]
}

/** As PEP 503 compares names: 'nvidia_cuda.Runtime' is 'nvidia-cuda-runtime'. */
export function projectName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase()
}

/** undefined for what is no wheel's name. */
export function parseWheelName(file: string): WheelName | undefined {
  const match = /^([^-]+)-([^-]+)(?:-(\d[^-]*))?-([^-]+)-([^-]+)-([^-]+)\.whl$/.exec(file)
  const [, name, versionText, , python, , platforms] = match ?? []
  if (name === undefined || versionText === undefined || python === undefined || platforms === undefined) {
    return undefined
  }
  const version = parseVersion(versionText)
  if (version === undefined || /[/\\]/.test(file)) return undefined
  return { file, project: projectName(name), version, python, platforms: platforms.split('.') }
}

/** The glibc that old tags stand for. */
const oldTags: Record<string, number> = { manylinux1: 5, manylinux2010: 12, manylinux2014: 17 }

function platformFits(platform: string, { architecture, glibc: [major, minor] }: WheelMachine): boolean {
  if (platform === 'any' || platform === `linux_${architecture}`) return true
  if (!platform.endsWith(`_${architecture}`)) return false
  const tag = platform.slice(0, -architecture.length - 1)
  const [, wantedMajor, wantedMinor] = /^manylinux_(\d+)_(\d+)$/.exec(tag) ?? [undefined, '2', oldTags[tag]]
  if (wantedMinor === undefined) return false
  return major > Number(wantedMajor) || (major === Number(wantedMajor) && minor >= Number(wantedMinor))
}

/** Whether its libraries run here; for which Python it was made does not matter. */
export function fitsMachine({ platforms }: WheelName, machine: WheelMachine): boolean {
  return platforms.some((platform) => platformFits(platform, machine))
}
