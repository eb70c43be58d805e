import type { TorchAddon } from '../core/addon-files.js'
import { arrived } from '../core/arrivals.js'
import { native } from '../core/native.js'
import { nativeTensor, type Tensor } from '../core/tensor.js'
import type { Decoded } from './image.js'
import type { Placement } from './preprocess-plan.js'

export type CallContext = Parameters<TorchAddon['writeImage']>[4]

/** Writes entry `index` of `batch`, off the JS thread, and frees the samples, which nobody else may hold. */
export function writeEntry(
  batch: Tensor,
  index: number,
  image: Decoded,
  placement: Placement,
  context: CallContext,
): Promise<void> {
  return arrived(native().writeImage(nativeTensor(batch), index, image, placement, context))
}

/**
 * Runs `work` for all items at once and resolves to what it gives, in their order. `stopped` throws as soon as one has
 * failed or the signal is aborted, so that what has not begun by then need not begin.
 */
export async function forAll<Item, Result>(
  items: readonly Item[],
  signal: AbortSignal | undefined,
  work: (item: Item, index: number, stopped: () => void) => Promise<Result>,
): Promise<Result[]> {
  let failure: { error: unknown } | undefined
  const stopped = () => {
    if (signal?.aborted) throw signal.reason
    if (failure !== undefined) throw failure.error
  }
  const run = async (item: Item, index: number) => {
    try {
      return await work(item, index, stopped)
    } catch (error) {
      failure ??= { error }
      throw error
    }
  }
  return Promise.all(items.map(run))
}
