import { abortReason, onAbort, throwIfAborted } from '../core/abort.js'
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
 * Runs `work` for all items at once and resolves to what it gives, in their order. The signal that it gets is aborted as
 * soon as one has failed or the caller's is aborted, so that what has not begun by then need not begin.
 */
export async function forAll<Item, Result>(
  items: readonly Item[],
  signal: AbortSignal | undefined,
  work: (item: Item, index: number, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const stop = new AbortController()
  throwIfAborted(signal)
  const forget = signal && onAbort(signal, () => stop.abort(abortReason(signal)))
  const run = async (item: Item, index: number) => {
    try {
      return await work(item, index, stop.signal)
    } catch (error) {
      stop.abort(error)
      throw error
    }
  }
  try {
    return await Promise.all(items.map(run))
  } finally {
    forget?.()
  }
}
