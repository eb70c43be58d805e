// Makes weights by the rule of scripts/export/fill.py, bit for bit: a hash of the tensor's name and the position.
import { crc32 } from 'node:zlib'
import { hash32 } from './golden-input.mjs'

function uniform(name, shape, low, high) {
  const start = hash32(crc32(name))
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1))
  for (let i = 0; i < values.length; i++) {
    values[i] = low + (hash32((start + i) | 0) >>> 10) * 2 ** -22 * (high - low)
  }
  return values
}

/** The values of the tensor of that name in a state dict: int64 for counters, float32 for all others. */
export function ruleValues(name, shape) {
  const kind = name.slice(name.lastIndexOf('.') + 1)
  if (kind === 'num_batches_tracked') return new BigInt64Array([1n + BigInt(crc32(name) % 1000)])
  if (kind === 'running_var') return uniform(name, shape, 0.5, 1.5)
  if (kind === 'bias' || kind === 'running_mean') return uniform(name, shape, -0.25, 0.25)
  if (shape.length === 1) return uniform(name, shape, 0.5, 1) // the gain of a norm
  const inputsPerOutput = shape.slice(1).reduce((product, size) => product * size, 1)
  const bound = Math.sqrt((name === 'fc.weight' ? 1.5 : 6) / inputsPerOutput)
  return uniform(name, shape, -bound, bound)
}
