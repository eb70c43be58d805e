import { applies, markerVariables, parseRequirement, type Requirement } from './requirement.js'
import type { WheelMachine, WheelName } from './wheel-name.js'

/** The requirements in the METADATA of a wheel that apply on this machine, for the extras that were asked for. */
export function requirementsOf(
  metadata: string,
  { python }: WheelName,
  machine: WheelMachine,
  extras: readonly string[] = [],
): Requirement[] {
  const variables = markerVariables(machine, python)
  const [head = ''] = metadata.split(/\r?\n\r?\n/) // the description follows
  return [...head.matchAll(/^Requires-Dist:(.*(?:\r?\n[ \t].*)*)/gim)]
    .flatMap(([, text = '']) => parseRequirement(text.replace(/\s+/g, ' ')) ?? [])
    .filter((requirement) => applies(requirement, variables, extras))
}

/** Whether a requirement brings libraries of NVIDIA, or names packages that do. */
export function isNvidia({ project }: Requirement): boolean {
  return project.startsWith('nvidia-') || project === 'cuda-toolkit'
}
