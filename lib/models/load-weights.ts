import type { DType } from '../core/dtype.js'
import type { Module } from '../core/module.js'
import { stateEntries } from '../core/module-inputs.js'
import type { LoadStateDictOptions } from '../core/module-options.js'
import { scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'

export type Weights = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>

const isFloatingPoint = (dtype: string) => /^b?float/.test(dtype)

/** The tensor in the precision of the one whose place it takes; what is no matter of precision, `loadStateDict` says. */
async function inPrecisionOf(own: Tensor | undefined, given: Tensor): Promise<Tensor> {
  if (own === undefined) return given
  const differs = own.dtype !== given.dtype && isFloatingPoint(own.dtype) && isFloatingPoint(given.dtype)
  return differs ? given.to({ dtype: own.dtype as DType }) : given
}

/**
 * torch.nn.Module.load_state_dict as timm calls it: the model keeps its precision, whatever the weights are stored in.
 * Tensors that have it already are shared. Rejects as `module.loadStateDict`.
 */
export async function loadWeights(module: Module, weights: Weights, options?: LoadStateDictOptions): Promise<void> {
  const entries = stateEntries(weights)
  await scope(async () => {
    const state = await module.stateDict()
    const cast = entries.map(async ([name, given]) => [name, await inPrecisionOf(state.get(name), given)] as const)
    await module.loadStateDict(new Map(await Promise.all(cast)), options)
  })
}
