import type { DType } from '../core/dtype.js'
import { invalidArgument } from '../core/errors.js'
import type { Module } from '../core/module.js'
import { operators } from '../core/operators.js'
import { keep, scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'
import { type GlobalPool, type ParsedModelArgs, pooledTimes } from './model-args.js'
import type { ProgramInfo } from './program-info.js'
import { withHead } from './resnet-head.js'

/** Nothing but shape and dtype. */
const shapeOf = (shape: readonly number[], like: Tensor) =>
  operators.zeros([...shape], { device: 'meta', dtype: like.dtype as DType })

/** Shapes that weights of these arguments have where the program has others, by name. */
async function otherShapes(
  state: ReadonlyMap<string, Tensor>,
  { classifier, firstConv }: ProgramInfo,
  { numClasses, inChans }: ParsedModelArgs,
): Promise<Map<string, Tensor>> {
  const others = new Map<string, Tensor>()
  const replace = async (name: string, dimension: number, size: number | undefined) => {
    const own = state.get(name)
    if (own === undefined || size === undefined || own.shape[dimension] === size) return
    const shape = own.shape.map((length, i) => (i === dimension ? size : length))
    others.set(name, await shapeOf(shape, own))
  }
  await replace(`${classifier}.weight`, 0, numClasses)
  await replace(`${classifier}.bias`, 0, numClasses)
  await replace(`${firstConv}.weight`, 1, inChans)
  return others
}

/** A ResNet's head for these arguments; undefined where it is the one that archives have. */
async function otherHead(module: Module, info: ProgramInfo, args: ParsedModelArgs): Promise<Module | undefined> {
  const { numClasses, globalPool = 'avg', dropRate = 0 } = args
  if (numClasses !== 0 && globalPool === 'avg' && dropRate === 0) return undefined
  const weight = (await module.stateDict()).get(`${info.classifier}.weight`) as Tensor
  const [classes = 0, features = 0] = weight.shape
  const [rows, columns] = [numClasses ?? classes, features * pooledTimes(globalPool as GlobalPool)]
  const linear =
    rows === 0 ? undefined : { weight: await shapeOf([rows, columns], weight), bias: await shapeOf([rows], weight) }
  return withHead(module, { globalPool, dropRate, linear })
}

/** Only a ResNet's head can be built anew: another's would be run as it is, with other numbers. */
function requireUsualHead({ numClasses, globalPool = 'avg', dropRate = 0 }: ParsedModelArgs): void {
  if (globalPool !== 'avg') throw invalidArgument('globalPool', "'avg' for a model that is no ResNet", globalPool)
  if (dropRate !== 0) throw invalidArgument('dropRate', '0 for a model that is no ResNet', dropRate)
  if (numClasses === 0) throw invalidArgument('numClasses', '1 or more for a model that is no ResNet', numClasses)
}

/**
 * A program without weights, on the meta device, in the form that weights of these arguments have: their shapes, and a
 * ResNet's head. Gives back the module that it takes, or disposes it. Throws ERR_TORCH_INVALID_ARGUMENT.
 */
export async function inFormOf(
  module: Module,
  info: ProgramInfo,
  args: ParsedModelArgs,
  isResNet: boolean,
): Promise<Module> {
  const formed = await scope(async () => {
    if (!isResNet) requireUsualHead(args)
    const headed = isResNet ? await otherHead(module, info, args) : undefined
    const own = headed ?? module
    const others = await otherShapes(await own.stateDict(), info, args)
    if (others.size > 0) await own.loadStateDict(others, { strict: false, anyShape: true })
    return headed && keep(headed)
  })
  if (formed === undefined) return module
  module.dispose()
  return formed
}
