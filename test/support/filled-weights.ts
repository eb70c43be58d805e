import { Module } from '../../lib/core/module.js'
import { scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import type { ArchitectureName } from '../../lib/models/index.js'
import { weightlessFiles } from '../../lib/models/registry.js'
import { ruleValues } from '../../scripts/demo/rule-values.mjs'

/** The rule of scripts/export/fill.py, bit for bit. */
export const filled = (name: string, shape: readonly number[]): Tensor =>
  Tensor.from(ruleValues(name, shape), [...shape])

/** Every entry of an architecture's state dict by the rule. */
export async function filledWeights(architecture: ArchitectureName): Promise<Map<string, Tensor>> {
  return scope(async () => {
    const module = await Module.load(weightlessFiles(architecture).archive, { device: 'meta' })
    const shapes = await module.stateDict()
    return new Map([...shapes].map(([name, { shape }]) => [name, filled(name, shape)]))
  })
}
