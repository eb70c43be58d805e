import { invalidArgument, readSafely } from '../core/errors.js'
import type { Seed } from '../core/generator.js'
import { scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'
import { adaptInputConv } from './input-channels.js'
import { type Label, labelsByIndex } from './labels.js'
import { checkHead, type GlobalPool, type ModelArgs, pooledTimes } from './model-args.js'
import type { ModelParts } from './model-parts.js'
import { freshLinear, type Linear, withHead } from './resnet-head.js'

/** What a ResNet without any word about it is. */
const defaults = { globalPool: 'avg', dropRate: 0, inChans: 3 } as const

export interface HeadChanges extends Pick<ModelArgs, 'numClasses' | 'globalPool' | 'dropRate'> {
  /** Whether the classifier is made anew. */
  fresh: boolean
  /** Of the new classifier. */
  seed?: Seed | undefined
  /** Of all classes in a list, or of any by index. */
  labels?: readonly string[] | Readonly<Record<number, string>> | undefined
}

function readLabels(labels: unknown, classes: number, operation: string): Label[] | undefined {
  if (labels === undefined) return undefined
  const expected = `${classes} names, one per class, or names by index,`
  const given = { name: 'labels', expected, actual: labels, operation }
  const read = readSafely(given, () => {
    const all = Array.isArray(labels) && labels.length !== classes ? undefined : labelsByIndex(labels)
    return all !== undefined && all.length <= classes ? all : undefined
  })
  if (read !== undefined) return read
  throw invalidArgument('labels', expected, labels, { operation })
}

async function linearOf(
  { module, config }: ModelParts,
  { numClasses, globalPool }: { numClasses: number; globalPool: GlobalPool },
  { fresh, seed }: HeadChanges,
): Promise<Linear | undefined> {
  if (numClasses === 0) return undefined
  if (fresh) {
    const { numFeatures } = config.program
    if (numFeatures === undefined) throw invalidArgument('the model', 'one whose archive says what it is', config.place)
    return freshLinear(numFeatures * pooledTimes(globalPool), numClasses, seed)
  }
  const state = await module.stateDict()
  const [weight, bias] = ['fc.weight', 'fc.bias'].map((name) => state.get(name) as Tensor) as [Tensor, Tensor]
  return { weight, bias }
}

/** Another head on the same body, which is shared. Throws ERR_TORCH_INVALID_ARGUMENT for one that cannot be. */
export async function withOtherHead(parts: ModelParts, changes: HeadChanges, operation: string): Promise<ModelParts> {
  const { args } = parts.config
  const own = { globalPool: changes.globalPool ?? args.globalPool ?? defaults.globalPool }
  const head = {
    ...own,
    numClasses: changes.numClasses ?? args.numClasses ?? 0,
    dropRate: changes.dropRate ?? args.dropRate ?? defaults.dropRate,
  }
  checkHead(head, operation)
  const widens = pooledTimes(head.globalPool) !== pooledTimes(args.globalPool ?? defaults.globalPool)
  if (widens && !changes.fresh && head.numClasses > 0) {
    const expected = `numClasses beside a pool that makes another number of features, because the classifier is new,`
    throw invalidArgument(`the options of ${operation}`, expected, head.globalPool, { operation })
  }
  const labels = readLabels(changes.labels, head.numClasses, operation)
  const kept = changes.fresh ? undefined : parts.config.labels
  const change = async () => withHead(parts.module, { ...head, linear: await linearOf(parts, head, changes) })
  return parts.with(change, { args: { ...args, ...head }, labels: labels ?? kept })
}

/** The same network for inputs of other channels; only the first convolution is not shared. */
export async function withOtherChannels(parts: ModelParts, inChans: number): Promise<ModelParts> {
  const { args, program } = parts.config
  if (inChans === (args.inChans ?? defaults.inChans)) return parts
  const name = `${program.firstConv ?? 'conv1'}.weight`
  const change = async () => {
    const adapted = await scope(async () =>
      adaptInputConv((await parts.module.stateDict()).get(name) as Tensor, inChans),
    )
    const own = await parts.module.derive()
    await own.loadStateDict({ [name]: adapted }, { strict: false, anyShape: true })
    return own
  }
  return parts.with(change, { args: { ...args, inChans } })
}
