import type { NativeTensor } from '../../binding.js'
import { arrived } from './arrivals.js'
import { dtypes, requireDType } from './dtype.js'
import { torchError } from './errors.js'
import { native } from './native.js'

export type Element = number | bigint | boolean

/** Nested arrays by shape: [2, 3] -> [[a, b, c], [d, e, f]]. */
export type NestedArray<T> = T | NestedArray<T>[]

/**
 * The elements, row-major: bigints of int64 and uint64, booleans of bool, complex numbers as pairs. The dtype is the one
 * that the tensor has by then: `Module.to` changes it. Rejects with ERR_TORCH_DTYPE for a packed one, of which
 * torch.Tensor.tolist gives no numbers either.
 */
export async function readElements(own: NativeTensor): Promise<ArrayLike<Element>> {
  const { buffer, dtype } = await arrived(own.bytes())
  const { array, numeric, packed } = dtypes[requireDType(dtype, 'the dtype of the tensor')]
  const data = new array(buffer)
  if (dtype === 'bool') return Array.from(new Uint8Array(buffer), (byte) => byte === 1)
  if (numeric) return data
  if (packed && data.length > 0) {
    const message = `Expected a dtype whose elements are numbers but received ${dtype}: data() has the bits`
    throw torchError('ERR_TORCH_DTYPE', message)
  }
  const bits = new (native().NativeTensor)(new Uint8Array(buffer), dtype, [data.length])
  const widening = arrived(bits.to(undefined, 'float32'))
  bits.dispose()
  const wide = await widening
  const reading = arrived(wide.bytes())
  wide.dispose()
  return new Float32Array((await reading).buffer)
}

export function nest(elements: ArrayLike<Element>, sizes: readonly number[]): NestedArray<Element> {
  let next = 0
  const build = (dim: number): NestedArray<Element> => {
    if (dim === sizes.length) return elements[next++] ?? Number.NaN
    return Array.from({ length: sizes[dim] ?? 0 }, () => build(dim + 1))
  }
  return build(0)
}
