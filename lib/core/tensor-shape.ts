import { describe } from './describe.js'
import { invalidArgument, torchError } from './errors.js'

const operation = 'Tensor.from'

export const maxDimensions = 64

export const textOf = (shape: readonly number[]) => `[${shape.join(', ')}]`

export function shapeError(message: string) {
  return torchError('ERR_TORCH_SHAPE', message, { operation })
}

export function requireShape(shape: unknown): number[] {
  if (!Array.isArray(shape)) throw invalidArgument('shape', 'an array of sizes', shape, { operation })
  if (shape.length > maxDimensions) {
    throw shapeError(`Expected at most ${maxDimensions} dimensions but received ${shape.length}`)
  }
  for (const size of shape) {
    if (typeof size !== 'number') throw invalidArgument('shape', 'an array of sizes', shape, { operation })
    if (!Number.isSafeInteger(size) || size < 0) {
      throw shapeError(`Expected whole sizes of 0 or more for shape but received ${describe(shape)}`)
    }
  }
  return [...shape]
}

export function requireCount(shape: readonly number[], count: number): void {
  const wanted = shape.reduce((product, size) => product * size, 1)
  if (wanted !== count) {
    throw shapeError(`Expected ${wanted} elements for shape ${textOf(shape)} but received ${count}`)
  }
}
