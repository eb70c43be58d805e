import { Generator, type Seed } from '../core/generator.js'
import { Module } from '../core/module.js'
import { operators } from '../core/operators.js'
import { scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'
import type { GlobalPool } from './model-args.js'

const average = 'torch.adaptive_avg_pool2d(x, [1, 1])'
const maximum = 'torch.adaptive_max_pool2d(x, [1, 1])[0]'
const fastAverage = 'x.mean([2, 3])'
const fastMaximum = 'x.amax([2, 3])'
const flat = (pooled: string) => `torch.flatten(${pooled}, 1)`

/** timm's SelectAdaptivePool2d with flatten, in TorchScript: x [N, D, h, w] to [N, D] or, of the 'cat' ones, [N, 2 D]. */
const pools: Record<GlobalPool, string> = {
  avg: flat(average),
  max: flat(maximum),
  avgmax: flat(`0.5 * (${average} + ${maximum})`),
  catavgmax: flat(`torch.cat([${average}, ${maximum}], 1)`),
  fast: fastAverage,
  fastavg: fastAverage,
  fastmax: fastMaximum,
  fastavgmax: `0.5 * ${fastAverage} + 0.5 * ${fastMaximum}`,
  fastcatavgmax: `torch.cat([${fastAverage}, ${fastMaximum}], 1)`,
  '': 'x',
}

const forwardOf = (expression: string) => `def forward(self, x):\n    return ${expression}\n`

/** timm's ResNet.forward_head. */
const headSource = (dropRate: number) => `
def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
    x = self.global_pool.forward(x)
    ${dropRate > 0 ? `x = torch.dropout(x, ${dropRate}, self.training)` : 'pass'}
    return x if pre_logits else self.fc.forward(x)
`

/** What stands where a linear layer stands. */
export interface Linear {
  /** [K, D] */
  weight: Tensor
  /** [K] */
  bias: Tensor
}

/** torch.nn.Linear's own initialization, number for number: of a seed, or of the process's default generator. */
export async function freshLinear(inputs: number, outputs: number, seed: Seed | undefined): Promise<Linear> {
  const generator = seed === undefined ? undefined : new Generator(seed)
  const uniform = async (shape: number[], bound: number) =>
    operators.uniform_(await operators.zeros(shape), { from: -bound, to: bound, generator })
  // kaiming_uniform_ with a = sqrt(5), in its own steps: sqrt(1 / inputs) may differ in the last bit.
  const bound = Math.sqrt(3) * (Math.sqrt(2 / (1 + Math.sqrt(5) ** 2)) / Math.sqrt(inputs))
  const weight = await uniform([outputs, inputs], bound)
  return { weight, bias: await uniform([outputs], 1 / Math.sqrt(inputs)) }
}

export interface ResNetHead {
  globalPool: GlobalPool
  dropRate: number
  /** undefined: none. */
  linear: Linear | undefined
}

/** A new module with another head: its layers have timm's names, `global_pool` and `fc`. */
export function withHead(module: Module, { globalPool, dropRate, linear }: ResNetHead): Promise<Module> {
  return scope(async () => {
    const { lane, device } = module
    const global_pool = await Module.fromSource(forwardOf(pools[globalPool]), { lane })
    const identity = await Module.fromSource(forwardOf('x'), { lane })
    const source = forwardOf('torch.linear(x, self.weight, self.bias)')
    const fc = linear ? await identity.derive({ source, parameters: { ...linear } }) : identity
    await Promise.all([global_pool, fc].map((part) => part.to({ device })))
    return module.derive({ modules: { global_pool, fc }, source: headSource(dropRate) })
  })
}
