import { invalidArgument, torchError } from '../core/errors.js'
import type { ExecutionOptions } from '../core/execution.js'
import type { Module } from '../core/module.js'
import { nearestName } from '../core/nearest-name.js'
import { operators } from '../core/operators.js'
import { defineOptions, type OptionsOutput, signalField } from '../core/options.js'
import { adopt, keep, scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'
import type { FeatureInfo } from './program-info.js'

/** Unlike a schema it stops at the first element that is none. */
export const isIntegerArray = (value: unknown) =>
  Array.isArray(value) && value.findIndex((item) => !Number.isSafeInteger(item)) < 0

const isNames = (value: unknown) =>
  Array.isArray(value) && value.length > 0 && value.findIndex((item) => typeof item !== 'string' || item === '') < 0

export const featuresOptions = defineOptions((z) => ({
  indices: z.custom<readonly number[]>(isIntegerArray, 'an array of integers').optional(),
  nodes: z.custom<readonly string[]>(isNames, 'an array of names of layers').optional(),
  batchSize: z.int().min(1).max(4096).default(8),
  signal: signalField(z),
}))

export type ParsedFeatures = OptionsOutput<typeof featuresOptions>

export interface FeatureSelection {
  /** Which scales of `featureInfo`, negative ones from the end. Default all. */
  indices?: readonly number[] | undefined
  /** Layers by name instead, in any order: ['layer3.1.conv2']. */
  nodes?: readonly string[] | undefined
}

export interface FeaturesOptions extends FeatureSelection {
  /** Images that go through the model together. Default 8. */
  batchSize?: number | undefined
  signal?: AbortSignal | undefined
}

/** The names of the layers that are asked for. Throws ERR_TORCH_INVALID_ARGUMENT. */
export function selectedNodes(
  { indices, nodes }: FeatureSelection,
  featureInfo: readonly FeatureInfo[] | undefined,
  operation: string,
): readonly string[] {
  if (nodes !== undefined) {
    if (indices === undefined) return nodes
    throw invalidArgument('the options', 'either indices or nodes', { indices, nodes }, { operation })
  }
  if (featureInfo === undefined) {
    const message = `Expected nodes for ${operation}, because nothing says which layers give the features of this model`
    throw torchError('ERR_TORCH_INVALID_ARGUMENT', message, { operation })
  }
  const count = featureInfo.length
  return (indices ?? [...featureInfo.keys()]).map((index) => {
    const row = featureInfo.at(index)
    if (row !== undefined) return row.module
    throw invalidArgument('indices', `integers from ${-count} to ${count - 1}`, index, { operation })
  })
}

const methods = new WeakMap<Module, Map<string, Promise<string>>>()

/** The name of a layer that is none says which is near. */
async function checkNames(module: Module, nodes: readonly string[], operation: string): Promise<void> {
  const names = await module.submodules()
  const known = new Set(names)
  const unknown = nodes.find((node) => !known.has(node))
  if (unknown === undefined) return
  const nearest = nearestName(unknown, names)
  const expected = `names of layers of the model${nearest === undefined ? '' : `, such as '${nearest}',`}`
  throw invalidArgument('nodes', expected, unknown, { operation })
}

async function define(module: Module, nodes: readonly string[], operation: string): Promise<string> {
  await checkNames(module, nodes, operation)
  const taken = new Set(module.methods().map(({ name }) => name))
  let number = methods.get(module)?.size ?? 0
  while (taken.has(`layers_${number}`)) number++
  const name = `layers_${number}`
  await module.defineLayerOutputs(name, nodes)
  return name
}

/**
 * The name of a method of the module that gives what these layers give, a list of tensors. Rejects with
 * ERR_TORCH_INVALID_ARGUMENT for what is no layer, or one that does not always run.
 */
export function layerMethod(module: Module, nodes: readonly string[], operation: string): Promise<string> {
  const known = methods.get(module) ?? new Map<string, Promise<string>>()
  methods.set(module, known)
  const key = nodes.join('\n')
  const own = known.get(key)
  if (own !== undefined) return own
  const making = define(module, nodes, operation)
  known.set(key, making)
  making.catch(() => known.delete(key))
  return making
}

const stageMethod = 'forward_intermediates'
/** The stem and four stages. */
const stageCount = 5

/** Whether the program has timm's method for its own scales. */
export const hasStages = (module: Module) => module.methods().some(({ name }) => name === stageMethod)

/** The scales in the order of the indices, which timm's method does not keep. */
export async function stages(
  module: Module,
  input: Tensor,
  indices: readonly number[],
  options: ExecutionOptions,
): Promise<Tensor[]> {
  return scope(async () => {
    // [features, stages]; the features are the last stage once more, and go with the scope.
    const outputs = await module.call<[Tensor, Tensor[]]>(stageMethod, [input, [...indices], true], options)
    const [, maps] = outputs
    const order = [...new Set(indices.map((index) => (index < 0 ? index + stageCount : index)))].sort((a, b) => a - b)
    return indices.map((index) => maps[order.indexOf(index < 0 ? index + stageCount : index)] as Tensor)
  })
}

/** Of batches the whole: [N, ...] per layer. */
export async function joinedFeatures(batches: Tensor[][]): Promise<Tensor[]> {
  const [first = []] = batches
  if (batches.length === 1) return first
  return Promise.all(first.map((_, layer) => operators.cat(batches.map((batch) => batch[layer] as Tensor))))
}

/** Of a batch each image's own, [...] per layer, in memory of its own; kept from the scope that makes them. */
export async function ownFeatures(layers: readonly Tensor[]): Promise<Tensor[][]> {
  const count = layers[0]?.shape[0] ?? 0
  return scope(async () => {
    const image = (index: number) =>
      Promise.all(layers.map(async (layer) => operators.clone(await operators.select(layer, 0, index))))
    const images = await Promise.all(Array.from({ length: count }, (_, index) => image(index)))
    for (const tensor of images.flat()) keep(tensor)
    return images
  })
}

/** They belong to the reader's scope, if there is one. */
export function handOver(features: Tensor[]): Tensor[] {
  for (const tensor of features) adopt(tensor)
  return features
}
