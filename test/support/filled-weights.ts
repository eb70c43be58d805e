import { crc32 } from 'node:zlib'
import { Module } from '../../lib/core/module.js'
import { scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import type { ArchitectureName } from '../../lib/models/index.js'
import { weightlessFiles } from '../../lib/models/registry.js'

/** uint32 to uint32, one to one: the `lowbias32` mixer, as in scripts/export/fill.py. */
function hash32(value: number): number {
  let mixed = value ^ (value >>> 16)
  mixed = Math.imul(mixed, 0x7feb352d)
  mixed ^= mixed >>> 15
  mixed = Math.imul(mixed, 0x846ca68b)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

function uniform(name: string, shape: readonly number[], low: number, high: number): Tensor {
  const start = hash32(crc32(name))
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1))
  for (let i = 0; i < values.length; i++) {
    values[i] = low + (hash32((start + i) | 0) >>> 10) * 2 ** -22 * (high - low)
  }
  return Tensor.from(values, [...shape])
}

/** The rule of scripts/export/fill.py, bit for bit. */
export function filled(name: string, shape: readonly number[]): Tensor {
  const kind = name.slice(name.lastIndexOf('.') + 1)
  if (kind === 'num_batches_tracked') return Tensor.from(new BigInt64Array([1n + BigInt(crc32(name) % 1000)]), [])
  if (kind === 'running_var') return uniform(name, shape, 0.5, 1.5)
  if (kind === 'bias' || kind === 'running_mean') return uniform(name, shape, -0.25, 0.25)
  if (shape.length === 1) return uniform(name, shape, 0.5, 1) // the gain of a norm
  const inputsPerOutput = shape.slice(1).reduce((product, size) => product * size, 1)
  const bound = Math.sqrt((name === 'fc.weight' ? 1.5 : 6) / inputsPerOutput)
  return uniform(name, shape, -bound, bound)
}

/** Every entry of an architecture's state dict by the rule. */
export async function filledWeights(architecture: ArchitectureName): Promise<Map<string, Tensor>> {
  return scope(async () => {
    const module = await Module.load(weightlessFiles(architecture).archive, { device: 'meta' })
    const shapes = await module.stateDict()
    return new Map([...shapes].map(([name, { shape }]) => [name, filled(name, shape)]))
  })
}
