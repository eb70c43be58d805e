import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { DType } from '../../lib/core/dtype.js'
import { Generator } from '../../lib/core/generator.js'
import { Tensor } from '../../lib/core/tensor.js'
import { repositoryRoot } from './source-files.js'

/** Infinities, NaN and -0, which JSON lacks, are strings. */
type GoldenNumber = number | boolean | string

export interface GoldenTensor {
  dtype: DType
  shape: number[]
  /** Halves and float8 as their bits, complex numbers as pairs. */
  data: GoldenNumber[]
  /** Missing where the tensor is contiguous. */
  strides?: number[]
}

/** A value as scripts/golden/ops.py writes it. */
export type GoldenValue =
  | { tensor: GoldenTensor }
  | { dtype: string }
  | { device: string }
  | { memoryFormat: string }
  | { seed: number }
  | { handle: Tensor }
  | { float: GoldenNumber }
  | GoldenValue[]
  | number
  | boolean
  | string
  | null

export function readGolden<Case>(name: string): Case[] {
  return JSON.parse(readFileSync(join(repositoryRoot, 'test', 'golden', name), 'utf8')).cases
}

export function readGoldensByOperator<Case extends { operator: string }>(name: string): Map<string, Case[]> {
  const byOperator = new Map<string, Case[]>()
  for (const golden of readGolden<Case>(name)) {
    byOperator.set(golden.operator, [...(byOperator.get(golden.operator) ?? []), golden])
  }
  return byOperator
}

const bits: readonly DType[] = ['float16', 'bfloat16']

function typedArray({ dtype, data }: GoldenTensor) {
  const numbers = data.map(Number)
  if (dtype === 'int64') return BigInt64Array.from(numbers.map(BigInt))
  if (bits.includes(dtype)) return Uint16Array.from(numbers)
  if (dtype === 'float64' || dtype === 'complex128') return Float64Array.from(numbers)
  if (dtype === 'int32') return Int32Array.from(numbers)
  if (dtype === 'uint8' || dtype === 'bool') return Uint8Array.from(numbers)
  if (dtype === 'float32') return Float32Array.from(numbers)
  throw new TypeError(`Expected a dtype of the goldens but received ${dtype}`)
}

export const decodeTensor = (golden: GoldenTensor) =>
  Tensor.from(typedArray(golden), golden.shape, { dtype: golden.dtype })

/** The argument of a JS call; the caller disposes the tensors and generators that it adds to `owned`. */
export function decode(value: GoldenValue, owned: { dispose(): void }[]): unknown {
  if (Array.isArray(value)) return value.map((item) => decode(item, owned))
  if (typeof value !== 'object' || value === null) return value
  if ('float' in value) return Number(value.float)
  if ('tensor' in value || 'seed' in value) {
    const handle = 'tensor' in value ? decodeTensor(value.tensor) : new Generator(value.seed)
    owned.push(handle)
    return handle
  }
  return Object.values(value)[0]
}

/**
 * Relative and absolute. The same libtorch gives the same bits on the same kind of CPU; another instruction set may
 * add in another order: 1e-5 in float32, 1e-12 in float64, and one unit in the last place where a result was rounded.
 */
const tolerances: Partial<Record<DType, [relative: number, absolute: number]>> = {
  float32: [1e-5, 1e-6],
  float64: [1e-12, 1e-13],
  float16: [2 ** -10, 2 ** -14],
  bfloat16: [2 ** -7, 2 ** -14],
  complex64: [1e-5, 1e-6],
  complex128: [1e-12, 1e-13],
}

function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}

const bfloat16 = (bits: number) => new Float32Array(Uint32Array.of(bits << 16).buffer)[0] as number

function decodeBits(dtype: DType): (value: unknown) => number {
  if (dtype === 'float16') return (bits) => float16(Number(bits))
  if (dtype === 'bfloat16') return (bits) => bfloat16(Number(bits))
  return Number
}

async function numbersOf(tensor: Tensor): Promise<number[]> {
  const data = await tensor.data()
  const decode = data instanceof Uint16Array ? decodeBits(tensor.dtype as DType) : Number // newer Node: Float16Array
  return Array.from(data as ArrayLike<number | bigint>, (value) => decode(value))
}

/** Of a contiguous tensor, as libtorch computes them. */
function contiguousStrides(shape: readonly number[]): number[] {
  let stride = 1
  return shape
    .toReversed()
    .map((length) => {
      const current = stride
      stride *= Math.max(1, length)
      return current
    })
    .toReversed()
}

async function expectTensor(actual: unknown, golden: GoldenTensor): Promise<void> {
  expect(actual).toBeInstanceOf(Tensor)
  const tensor = actual as Tensor
  expect(tensor.dtype).toBe(golden.dtype)
  expect(tensor.shape).toEqual(golden.shape)
  expect(tensor.strides).toEqual(golden.strides ?? contiguousStrides(golden.shape))
  const numbers = await numbersOf(tensor)
  const expected = golden.data.map(decodeBits(golden.dtype))
  expect(numbers).toHaveLength(expected.length)
  const [relative, absolute] = tolerances[golden.dtype] ?? [0, 0]
  const wrong = expected.findIndex((value, index) => {
    const received = numbers[index] as number
    return !Object.is(received, value) && !(Math.abs(received - value) <= absolute + relative * Math.abs(value))
  })
  expect(wrong === -1 ? [] : [wrong, numbers[wrong]], `expected ${expected}`).toEqual([])
}

/** Fails unless dtypes, shapes, strides and numbers are Python's. */
export async function expectGolden(actual: unknown, golden: GoldenValue): Promise<void> {
  if (Array.isArray(golden)) {
    const results = Object.values(actual as object)
    expect(results).toHaveLength(golden.length)
    for (const [index, value] of golden.entries()) await expectGolden(results[index], value)
  } else if (typeof golden === 'object' && golden !== null && 'tensor' in golden) {
    await expectTensor(actual, golden.tensor)
  } else {
    expect(actual).toBe(golden)
  }
}
