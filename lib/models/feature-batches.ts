import { operators } from '../core/operators.js'
import { adopt, keep, scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'

/** Of batches the whole: [N, ...] per layer. */
export async function joinedFeatures(batches: Tensor[][]): Promise<Tensor[]> {
  const [first = []] = batches
  if (batches.length === 1) return first
  return Promise.all(first.map((_, layer) => operators.cat(batches.map((batch) => batch[layer] as Tensor))))
}

/** Of a batch each image's own, [...] per layer, in memory of its own; kept from the scope that makes them. */
export async function ownFeatures(layers: readonly Tensor[]): Promise<Tensor[][]> {
  const count = layers[0]?.shape[0] ?? 0
  return scope(async () => {
    const image = (index: number) =>
      Promise.all(layers.map(async (layer) => operators.clone(await operators.select(layer, 0, index))))
    const images = await Promise.all(Array.from({ length: count }, (_, index) => image(index)))
    for (const tensor of images.flat()) keep(tensor)
    return images
  })
}

/** They belong to the reader's scope, if there is one. */
export function handOver(features: Tensor[]): Tensor[] {
  for (const tensor of features) adopt(tensor)
  return features
}
