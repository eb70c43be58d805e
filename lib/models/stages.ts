import type { ExecutionOptions } from '../core/execution.js'
import type { Module } from '../core/module.js'
import { scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'

const method = 'forward_intermediates'

/** Whether the program has timm's method for its own scales. */
export const hasStages = (module: Module) => module.methods().some(({ name }) => name === method)

/** The scales in the order of the indices (0 or more), which timm's method does not keep. */
export async function stages(
  module: Module,
  input: Tensor,
  indices: readonly number[],
  options: ExecutionOptions,
): Promise<Tensor[]> {
  return scope(async () => {
    const order = [...new Set(indices)].sort((a, b) => a - b)
    // [features, stages]; the features are the last stage once more, and go with the scope.
    const [, maps] = await module.call<[Tensor, Tensor[]]>(method, [input, order, true], options)
    return indices.map((index) => maps[order.indexOf(index)] as Tensor)
  })
}
