import type { Module } from '../core/module.js'
import { scope } from '../core/scope.js'
import { matchingNames, type NamePattern } from './name-patterns.js'

const runningMean = '.running_mean'

/** Names of the batch norms: whatever keeps running statistics. */
async function batchNorms(module: Module): Promise<string[]> {
  const buffers = [...(await module.buffers()).keys()]
  return buffers.filter((name) => name.endsWith(runningMean)).map((name) => name.slice(0, -runningMean.length))
}

/** Layers that have none of the names below them, such as activations: freezing them changes nothing. */
async function layersWithout(module: Module, names: readonly string[]): Promise<string[]> {
  const layers = await module.submodules()
  return layers.filter((layer) => !names.some((name) => name === layer || name.startsWith(`${layer}.`)))
}

/**
 * timm's freeze and unfreeze, in place: gradients of the parameters that the patterns match (all where there are none),
 * and with `batchNorm` whether the batch norms among them keep their statistics. Layers without parameters may be named.
 */
export function setTrainable(
  module: Module,
  on: boolean,
  { patterns, batchNorm, operation }: { patterns: readonly NamePattern[]; batchNorm: boolean; operation: string },
): Promise<void> {
  return scope(async () => {
    const parameters = [...(await module.parameters()).keys()]
    const norms = await batchNorms(module)
    const names = [...parameters, ...norms]
    const known = [...names, ...(await layersWithout(module, names))]
    const matching = new Set(patterns.length === 0 ? names : matchingNames(known, patterns, operation))
    await module.setTrainable(on, {
      parameters: parameters.filter((name) => matching.has(name)),
      submodules: batchNorm ? norms.filter((name) => matching.has(name)) : [],
    })
  })
}
