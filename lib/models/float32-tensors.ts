import { operators } from '../core/operators.js'
import { scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'
import type { Safetensors } from '../io/safetensors.js'

export interface Float32Options {
  dtype: 'float32'
  signal: AbortSignal | undefined
}

/** Of stored tensors, converted at once: the engine keeps larger blocks for a while when they are free (`block_cache`). */
const mostBytes = 2 ** 19

/** Names in groups of at most `mostBytes`, or one tensor. */
function inGroups(file: Safetensors, names: readonly string[]): string[][] {
  const groups: string[][] = []
  let room = 0
  for (const name of names) {
    const { bytes } = file.info(name)
    if (groups.length === 0 || bytes > room) {
      groups.push([])
      room = mostBytes
    }
    groups.at(-1)?.push(name)
    room -= bytes
  }
  return groups
}

/** A tensor by its rows: neither the stored ones nor the converted ones exist beside it. */
async function byRows(file: Safetensors, name: string, options: Float32Options): Promise<Tensor> {
  const { shape, bytes } = file.info(name)
  const [rows = 1] = shape
  const step = Math.max(1, Math.floor((rows * mostBytes) / bytes))
  const whole = await operators.zeros([...shape], { dtype: options.dtype })
  for (let row = 0; row < rows; row += step) {
    await scope(async () => {
      const part = await file.slice(name, row, row + step, options)
      await operators.copy_(await operators.narrow(whole, 0, row, part.shape[0] as number), part)
    })
  }
  return whole
}

/**
 * Tensors of a file by name, those of floating point in float32. What is stored in another precision is converted little
 * by little, and never exists beside all that it becomes. Rejects as `Safetensors`.
 */
export async function float32Tensors(
  file: Safetensors,
  names: readonly string[],
  options: Float32Options,
): Promise<Map<string, Tensor>> {
  const bytesOf = (name: string) => file.info(name).bytes
  const isConverted = (name: string) => file.info(name).dtype !== 'float32'
  const isWide = (name: string) => file.info(name).dtype === 'float64' && bytesOf(name) > mostBytes
  const read = await file.tensors(
    names.filter((name) => !isConverted(name)),
    options,
  )
  // The largest while little else has been read: by the time that all are there, what is converted is small.
  const converted = names.filter(isConverted).sort((a, b) => bytesOf(b) - bytesOf(a))
  for (const name of converted.filter(isWide)) read.set(name, await byRows(file, name, options))
  const others = converted.filter((name) => !isWide(name))
  for (const group of inGroups(file, others)) {
    for (const [name, tensor] of await file.tensors(group, options)) read.set(name, tensor)
  }
  return read
}
