import { defineOptions, type OptionsOutput, parseOptions, signalField } from '../core/options.js'
import type { Tensor } from '../core/tensor.js'
import { isNamePatterns, type NamePattern } from './name-patterns.js'
import type { GroupMatcher } from './program-info.js'

export const parameterGroupsOptions = defineOptions((z) => ({
  weightDecay: z.number().min(0).default(0.05),
  layerDecay: z.number().gt(0).max(1).default(0.75),
  minScale: z.number().min(0).default(0),
  noOptScale: z.number().min(0).default(0),
  noWeightDecay: z.custom<NamePattern[]>(isNamePatterns, 'an array of names or expressions').default([]),
  excludeOneDimensional: z.boolean().default(true),
  signal: signalField(z),
}))

export interface ParameterGroupsOptions {
  /** Of the groups that decay. Default 0.05. */
  weightDecay?: number | undefined
  /** The learning rate's factor from one layer to the one before it. Default 0.75. */
  layerDecay?: number | undefined
  /** Scales are at least this. Default 0. */
  minScale?: number | undefined
  /** Layers with a smaller scale are left out. Default 0. */
  noOptScale?: number | undefined
  /** Parameters without weight decay, by name. */
  noWeightDecay?: readonly NamePattern[] | undefined
  /** Biases and gains of norms get no weight decay. Default true. */
  excludeOneDimensional?: boolean | undefined
  signal?: AbortSignal | undefined
}

/** Parameters that an optimizer treats alike. */
export interface ParameterGroup {
  /** As timm names it: 'layer_3_no_decay'. */
  name: string
  /** 0 is the stem; the last is the classifier. */
  layer: number
  /** Of the learning rate. */
  lrScale: number
  weightDecay: number
  names: string[]
  /** Shared with the model, one per name. */
  parameters: Tensor[]
}

const lastGroup: readonly number[] = [Number.POSITIVE_INFINITY]
/** A number that timm puts behind a group that belongs to the one before. */
const withPrevious = 99999

/** Numbers by which layers sort. */
function ordinalsOf(name: string, matchers: readonly (readonly [RegExp, number, readonly number[]])[]) {
  for (const [expression, ordinal, suffix] of matchers) {
    const match = expression.exec(name)
    if (match === null) continue
    const groups = match.slice(1).filter((group) => group !== undefined)
    return [ordinal, ...groups.map(Number), ...suffix]
  }
  return lastGroup
}

/** As Python compares tuples. */
function compared(left: readonly number[], right: readonly number[]): number {
  for (const [i, value] of left.entries()) {
    const other = right[i]
    if (other === undefined || value > other) return 1
    if (value < other) return -1
  }
  return left.length - right.length
}

/** timm's group_parameters: the layer of each parameter, counted from the input. */
export function layersByName(names: readonly string[], groups: GroupMatcher): Map<string, number> {
  const anchored = (expression: string) => new RegExp(`^(?:${expression})`)
  const matchers = Object.values(groups).flatMap((specs, ordinal) =>
    (typeof specs === 'string' ? [[specs, null] as const] : specs).map(
      ([expression, suffix]) => [anchored(expression), ordinal, suffix ?? []] as const,
    ),
  )
  const ordinals = new Map(names.map((name) => [name, ordinalsOf(name, matchers)]))
  const distinct = [...new Map([...ordinals.values()].map((value) => [value.join(), value])).values()].sort(compared)
  const layers = new Map<string, number>()
  let layer = -1
  for (const value of distinct) {
    if (layer < 0 || value.at(-1) !== withPrevious) layer++
    layers.set(value.join(), layer)
  }
  return new Map([...ordinals].map(([name, value]) => [name, layers.get(value.join()) as number]))
}

type Options = OptionsOutput<typeof parameterGroupsOptions>

/**
 * timm.optim.param_groups_layer_decay: parameters by layer, with a learning rate that falls towards the input, and apart
 * those without weight decay. `matches` says which names a pattern of noWeightDecay stands for.
 */
export function groupedByLayer(
  parameters: ReadonlyMap<string, Tensor>,
  groups: GroupMatcher,
  { weightDecay, layerDecay, minScale, noOptScale, excludeOneDimensional }: Options,
  isExempt: (name: string) => boolean,
): ParameterGroup[] {
  const layers = layersByName([...parameters.keys()], groups)
  const last = Math.max(...layers.values())
  const grouped = new Map<string, ParameterGroup>()
  for (const [parameter, tensor] of parameters) {
    if (!tensor.requiresGrad) continue
    const decays = !(excludeOneDimensional && tensor.shape.length <= 1) && !isExempt(parameter)
    const layer = layers.get(parameter) as number
    const lrScale = Math.max(minScale, layerDecay ** (last - layer))
    if (lrScale < noOptScale) continue
    const name = `layer_${layer}_${decays ? 'decay' : 'no_decay'}`
    const fresh = { name, layer, lrScale, weightDecay: decays ? weightDecay : 0, names: [], parameters: [] }
    const group: ParameterGroup = grouped.get(name) ?? fresh
    group.names.push(parameter)
    group.parameters.push(tensor)
    grouped.set(name, group)
  }
  return [...grouped.values()]
}

export const readParameterGroupsOptions = (options: ParameterGroupsOptions | undefined): Options =>
  parseOptions(parameterGroupsOptions, options, 'parameterGroups')
