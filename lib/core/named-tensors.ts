import type { NativeTensor } from '../../binding.js'
import { type Tensor, wrapTensor } from './tensor.js'

export type NamedTensors = [string, NativeTensor][]

/** How tensors by name come back. */
export const namedTensors = {
  convert: (pairs: NamedTensors): Map<string, Tensor> => new Map(pairs.map(([name, own]) => [name, wrapTensor(own)])),
  discard: (pairs: NamedTensors): void => {
    for (const [, own] of pairs) own.dispose()
  },
}

const ownerOf = (name: string) => name.slice(0, Math.max(0, name.lastIndexOf('.')))

/**
 * All parameters and then all buffers of a module as torch.nn.Module.state_dict has them: its own parameters, its own
 * buffers, and so on for each of its submodules, whose names are given in their order.
 */
export function inStateOrder(pairs: NamedTensors, submodules: readonly string[]): NamedTensors {
  const places = new Map(['', ...submodules].map((name, place) => [name, place]))
  const placeOf = ([name]: [string, NativeTensor]) => places.get(ownerOf(name)) ?? places.size
  return [...pairs].sort((a, b) => placeOf(a) - placeOf(b))
}
