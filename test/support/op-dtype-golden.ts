import type { DType } from '../../lib/core/dtype.js'
import { decodeTensor, type GoldenTensor, type GoldenValue } from './op-golden.js'

/** A value as scripts/golden/op_dtypes.py writes it: a tensor to be cast to the dtype under test, or null: that dtype. */
type CastValue = GoldenValue | { cast: GoldenTensor | null } | CastValue[]

export interface CastCall {
  operator: string
  /** By ATen's argument names. */
  inputs: Record<string, CastValue>
  /** What the call gives in each dtype; null: PyTorch refuses. A tensor of dtype 'cast' is of the dtype under test. */
  results: { dtypes: DType[]; output: GoldenValue }[]
}

async function cast(value: CastValue, dtype: DType): Promise<GoldenValue> {
  if (Array.isArray(value)) return await Promise.all(value.map((item) => cast(item, dtype)))
  if (typeof value !== 'object' || value === null || !('cast' in value)) return value
  return value.cast === null ? { dtype } : { handle: await decodeTensor(value.cast).to({ dtype }) }
}

/** The tensors belong to the scope in which this runs. */
export async function castInputs(inputs: CastCall['inputs'], dtype: DType): Promise<Record<string, GoldenValue>> {
  const entries = Object.entries(inputs).map(async ([name, value]) => [name, await cast(value, dtype)] as const)
  return Object.fromEntries(await Promise.all(entries))
}

export const castOutput = (output: GoldenValue, dtype: DType): GoldenValue =>
  JSON.parse(JSON.stringify(output).replaceAll('"cast"', JSON.stringify(dtype)))
