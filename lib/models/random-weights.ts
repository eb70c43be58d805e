import type { DType } from '../core/dtype.js'
import { Generator, type Seed } from '../core/generator.js'
import { operators } from '../core/operators.js'
import { scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'

/** He's initialization (arXiv:1502.01852), fan-in mode, of a weight [out, in, ...]. */
async function heNormal(shape: readonly number[], generator: Generator): Promise<Tensor> {
  const fanIn = shape.slice(1).reduce((product, size) => product * size, 1)
  const noise = await operators.randn([...shape], { generator })
  return operators.mul(noise, Math.sqrt(2 / fanIn))
}

/**
 * Weights that make a network's numbers checkable and mean nothing: matrices and kernels by He's rule, gains and running
 * variances 1, biases and running means 0, counters 0. The same seed gives the same weights, to the rounding of the CPU's kernels.
 */
export function randomWeights(state: ReadonlyMap<string, Tensor>, seed: Seed): Promise<Map<string, Tensor>> {
  return scope(async () => {
    const generator = new Generator(seed)
    const filled = new Map<string, Tensor>()
    for (const [name, { shape, dtype }] of state) {
      const isGain = name.endsWith('running_var') || (name.endsWith('.weight') && shape.length === 1)
      const tensor =
        shape.length > 1
          ? await heNormal(shape, generator)
          : await operators.full([...shape], isGain ? 1 : 0, { dtype: dtype as DType }) // counters and vectors: of DType
      filled.set(name, tensor)
    }
    return filled
  })
}
