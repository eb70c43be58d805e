import { naturalDType } from './dtype.js'
import type { Element } from './element-bytes.js'
import { invalidArgument } from './errors.js'
import { maxDimensions, shapeError, textOf } from './tensor-shape.js'

export type NestedOf<E> = E | readonly NestedOf<E>[]
export type Nested = NestedOf<Leaf>

const operation = 'Tensor.from'

type Leaf = Element | ArrayBufferView

/** What nested arrays hold, row-major, and their sizes. */
interface Leaves {
  leaves: Leaf[]
  shape: number[]
}

/** Sizes along the first elements; the others are held against it while they are read. */
function nestingOf(data: Nested): number[] {
  const shape: number[] = []
  for (let level = data; Array.isArray(level); level = level[0] as Nested) {
    shape.push(level.length)
    if (level.length === 0) break
    if (shape.length > maxDimensions) throw shapeError(`Expected at most ${maxDimensions} dimensions of nested arrays`)
  }
  return shape
}

const isElement = (value: unknown): value is Element => ['number', 'bigint', 'boolean'].includes(typeof value)

function requireLeaf(value: unknown): Leaf {
  if (isElement(value) || ArrayBuffer.isView(value)) return value
  throw invalidArgument('data', 'numbers, bigints, booleans or typed arrays', value, { operation })
}

function flatten(data: Nested, shape: readonly number[], dim: number, out: Leaf[]): void {
  if (dim === shape.length) {
    if (Array.isArray(data)) {
      throw shapeError(`Expected nested arrays of equal lengths ${textOf(shape)} but received a deeper one`)
    }
    out.push(requireLeaf(data))
    return
  }
  if (!Array.isArray(data)) {
    throw invalidArgument('data', `nested arrays of shape ${textOf(shape)}`, data, { operation })
  }
  if (data.length !== shape[dim]) {
    throw shapeError(`Expected ${shape[dim]} elements at each place of dimension ${dim} but received ${data.length}`)
  }
  for (const item of data) flatten(item, shape, dim + 1, out)
}

export function leavesOf(data: Nested): Leaves {
  const shape = nestingOf(data)
  const leaves: Leaf[] = []
  flatten(data, shape, 0, leaves)
  return { leaves, shape }
}

export function elementsOf(leaves: readonly Leaf[]): Element[] {
  const row = leaves.find((leaf) => !isElement(leaf))
  if (row === undefined) return leaves as Element[]
  throw invalidArgument('data', 'numbers, bigints or booleans in every place', row, { operation })
}

/** The bytes of typed arrays of one kind and length, one after the other. */
export function joinedBytes(first: ArrayBufferView, rows: readonly Leaf[]): Uint8Array {
  const bytes = new Uint8Array(first.byteLength * rows.length)
  const kind = naturalDType(first)
  for (const [i, row] of rows.entries()) {
    if (!ArrayBuffer.isView(row) || naturalDType(row) !== kind) {
      throw invalidArgument('data', `typed arrays of ${kind} in every place`, row, { operation })
    }
    if (row.byteLength !== first.byteLength) {
      throw shapeError(`Expected typed arrays of ${first.byteLength} bytes each but received ${row.byteLength}`)
    }
    bytes.set(new Uint8Array(row.buffer, row.byteOffset, row.byteLength), i * first.byteLength)
  }
  return bytes
}
