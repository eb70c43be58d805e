import { torchError } from '../core/errors.js'
import type { JsonObject } from '../core/json-object.js'
import type { Tensor } from '../core/tensor.js'
import type { Safetensors } from '../io/safetensors.js'

/** Rows that the classifier of weights has before its first class, for a background that the model does not know. */
export interface LabelOffset {
  /** 'fc.weight', 'fc.bias' */
  tensors: ReadonlySet<string>
  rows: number
}

export const noOffset: LabelOffset = { tensors: new Set(), rows: 0 }

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value)
const areNames = (values: readonly unknown[]): boolean => values.every((value) => typeof value === 'string')

/** `label_offset` and `classifier` of a `pretrained_cfg`, for the layers named there. Throws ERR_TORCH_FILE_FORMAT. */
export function labelOffset(pretrained: JsonObject, place: string): LabelOffset {
  const rows = pretrained.label_offset ?? 0
  const layers = [pretrained.classifier ?? []].flat()
  if (rows === 0) return noOffset
  if (!isNumber(rows) || !areNames(layers)) {
    const expected = 'a whole number for label_offset, and for classifier the names of layers,'
    throw torchError('ERR_TORCH_FILE_FORMAT', `Expected ${expected} in ${place} but received other values`)
  }
  const tensors = new Set(layers.flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]))
  return rows < 0 ? noOffset : { rows, tensors }
}

/** All tensors of a file by name, without the rows before the first class. Rejects as `Safetensors`. */
export async function tensorsFrom(
  file: Safetensors,
  { tensors, rows }: LabelOffset,
  options: { dtype: 'float32'; signal: AbortSignal | undefined },
): Promise<Map<string, Tensor>> {
  const names = file.keys()
  const read = await file.tensors(
    names.filter((name) => !tensors.has(name)),
    options,
  )
  for (const name of names) if (tensors.has(name)) read.set(name, await file.slice(name, rows, undefined, options))
  return read
}
