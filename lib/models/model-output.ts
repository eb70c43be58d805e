import { describe } from '../core/describe.js'
import { torchError } from '../core/errors.js'
import { isTensor, type Tensor } from '../core/tensor.js'
import type { Value } from '../core/value.js'

function requireTensor(value: Value, fits: (tensor: Tensor) => boolean, what: string, method: string): Tensor {
  if (isTensor(value) && fits(value)) return value
  const actual = isTensor(value) ? `${value.dtype} [${value.shape.join(', ')}]` : describe(value)
  const message = `Expected ${what} from the model's ${method} but received ${actual}`
  throw torchError('ERR_TORCH_SHAPE', message, { operation: method })
}

/** What a method of a program gave, if it is [rows, any]. ERR_TORCH_SHAPE, which says that `what` was expected. */
export const requireMatrix = (value: Value, rows: number | undefined, what: string, method: string) =>
  requireTensor(value, ({ shape }) => shape.length === 2 && shape[0] === rows, what, method)

/** If it is [rows, any, any, any]. */
export const requireMaps = (value: Value, rows: number | undefined, what: string, method: string) =>
  requireTensor(value, ({ shape }) => shape.length === 4 && shape[0] === rows, what, method)
