// ResNet18 as a user without any weights has it: the program that ships with the package, filled by name.
import { join } from 'node:path'
import { Module, scope, Tensor } from '../../dist/index.js'
import { ResNet } from '../../dist/models/index.js'
import { ruleValues } from './rule-values.mjs'

export const ruleFilledTitle = 'ResNet18 on weights filled by a rule (scripts/export/fill.py)'

/**
 * Not by `{ random: seed }`: these weights are the goldens'. Python makes the same bits of them, which random generators
 * promise to nobody, and every convolution has an effect, as most have not under the zero gains that timm begins with.
 */
export function loadRuleFilledResNet18(root) {
  return scope(async () => {
    const program = await Module.load(join(root, 'data', 'architectures', 'resnet18.pt'), { device: 'meta' })
    const state = [...(await program.stateDict())]
    const weights = new Map(state.map(([name, { shape }]) => [name, Tensor.from(ruleValues(name, shape), [...shape])]))
    return ResNet.load({ architecture: 'resnet18', weights })
  })
}
