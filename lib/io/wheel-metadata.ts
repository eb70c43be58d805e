import { torchError } from '../core/errors.js'
import { applies, markerVariables, parseRequirement, type Requirement } from './requirement.js'
import type { WheelMachine, WheelName } from './wheel-name.js'

/** Whether a requirement brings libraries of NVIDIA, or names packages that do. */
function isNvidia({ project }: Requirement): boolean {
  return project.startsWith('nvidia-') || project === 'cuda-toolkit'
}

/**
 * What the METADATA of a wheel requires of NVIDIA on this machine, for the extras that were asked for. Its other
 * requirements are for Python, whatever they say. ERR_TORCH_INSTALL where it cannot be told whether one applies.
 */
export function nvidiaRequirements(
  metadata: string,
  { file, python }: WheelName,
  machine: WheelMachine,
  extras: readonly string[] = [],
): Requirement[] {
  const variables = markerVariables(machine, python)
  const [head = ''] = metadata.split(/\r?\n\r?\n/) // the description follows
  return [...head.matchAll(/^Requires-Dist:(.*(?:\r?\n[ \t].*)*)/gim)]
    .flatMap(([, text = '']) => parseRequirement(text.replace(/\s+/g, ' ')) ?? [])
    .filter(isNvidia)
    .filter((requirement) => {
      try {
        return applies(requirement, variables, extras)
      } catch (cause) {
        if (!(cause instanceof SyntaxError)) throw cause
        const { project, marker } = requirement
        const message = `Expected a marker of PEP 508 for ${project} in ${file} but received ${JSON.stringify(marker)}`
        throw torchError('ERR_TORCH_INSTALL', message, { cause })
      }
    })
}
