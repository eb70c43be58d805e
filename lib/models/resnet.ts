import { throwIfAborted } from '../core/abort.js'
import { invalidArgument, torchError } from '../core/errors.js'
import type { ExecutionOptions } from '../core/execution.js'
import { isSeed, type Seed, seedText } from '../core/generator.js'
import { defineOptions, type OptionsOutput, parseOptions } from '../core/options.js'
import type { Tensor } from '../core/tensor.js'
import { isIntegerArray, scaleIndices } from './feature-selection.js'
import { ImageClassifier, type ImageClassifierOptions, loadFields, modelParts } from './image-classifier.js'
import { derived, partsOf } from './image-model.js'
import { dropRateField, type GlobalPool, globalPoolField, type ModelArgs, modelArgsFields } from './model-args.js'
import { ModelParts, optimized } from './model-parts.js'
import { type ModelSource, openModel } from './open-model.js'
import { type ArchitectureOf, architectures, isArchitecture } from './registry.js'
import { withOtherChannels, withOtherHead } from './resnet-changes.js'
import { nameVerbs } from './verb-names.js'

type Z = Parameters<Parameters<typeof defineOptions>[0]>[0]

export type ResNetName = ArchitectureOf<'resnet'>
export type ResNetSource = ModelSource<ResNetName>

type ClassNames = readonly string[] | Readonly<Record<number, string>>

const headFields = (z: Z) => ({
  seed: z.custom<Seed>(isSeed, seedText).optional(),
  labels: z.custom<ClassNames>().optional(),
})

const resnetOptions = defineOptions((z) => ({ ...loadFields(z), ...modelArgsFields(z), ...headFields(z) }))

/** What timm.create_model takes beside the name: `load` changes the pretrained model as that does. */
export interface ResNetOptions extends ImageClassifierOptions, ModelArgs {
  /** Of a new classifier, where numClasses asks for one. Default: the process's default generator. */
  seed?: Seed | undefined
  /** Names of the classes: of all in a list, or of any by index. */
  labels?: ClassNames | undefined
}

const resetOptions = defineOptions((z) => ({
  globalPool: globalPoolField(z).optional(),
  dropRate: dropRateField(z).optional(),
  optimize: z.enum(['auto', 'none']).default('none'),
  ...headFields(z),
}))

export interface ResetClassifierOptions {
  /** Default: as it is. */
  globalPool?: GlobalPool | undefined
  /** Dropout before the classifier, in training mode. Default: as it is. */
  dropRate?: number | undefined
  /** Default 'none': the new model shares all its tensors. */
  optimize?: 'auto' | 'none' | undefined
  /** Of the new classifier. Default: the process's default generator. */
  seed?: Seed | undefined
  /** Names of the classes: of all in a list, or of any by index. */
  labels?: ClassNames | undefined
}

const numClassesOption = defineOptions((z) => ({ numClasses: modelArgsFields(z).numClasses.unwrap() }))

/** What `module.call` checks. */
const execution = (z: Z) => ({
  gradMode: z.unknown().optional(),
  autocast: z.unknown().optional(),
  generator: z.unknown().optional(),
  signal: z.unknown().optional(),
})

const headOptions = defineOptions((z) => ({ preLogits: z.boolean().default(false), ...execution(z) }))

export interface ForwardHeadOptions extends ExecutionOptions {
  /** Stop before the last layer. Default false. */
  preLogits?: boolean | undefined
}

const isIndices = (value: unknown) => isIntegerArray(value) || Number.isSafeInteger(value)

const intermediatesOptions = defineOptions((z) => ({
  indices: z.custom<number | readonly number[]>(isIndices, 'an integer or an array of integers').optional(),
  norm: z.boolean().default(false),
  stopEarly: z.boolean().default(false),
  ...execution(z),
}))

export interface ForwardIntermediatesOptions extends ExecutionOptions {
  /** Which of the five stages (stem, layer1 to layer4), negative from the end; a number: the last n. Default all. */
  indices?: number | readonly number[] | undefined
  /** As in timm: a ResNet has no norm of its own behind its stages, so either gives the same. Default false. */
  norm?: boolean | undefined
  /** Stop after the last stage asked for. Default false. */
  stopEarly?: boolean | undefined
}

/** Of an archive that does not say it: the stem and four stages. */
const usualStages = 5

/** timm's reading of an integer: the last n of `count` stages. */
function stageIndices(indices: number | readonly number[], count: number): number[] {
  const operation = 'forwardIntermediates'
  if (typeof indices !== 'number') return scaleIndices(indices, count, operation)
  if (indices >= 1 && indices <= count) return Array.from({ length: indices }, (_, i) => count - indices + i)
  throw invalidArgument('indices', `a number of stages from 1 to ${count}, or an array,`, indices, { operation })
}

/** Changes what was opened as create_model's arguments ask; gives back the parts that it does not use. */
async function asAsked(parts: ModelParts, asked: OptionsOutput<typeof resnetOptions>, verb: string) {
  const { numClasses, globalPool, dropRate, inChans, seed, labels, signal } = asked
  let own = parts
  const change = async (next: Promise<ModelParts>) => {
    const before = own
    own = await next
    if (own !== before) before.module.dispose()
  }
  try {
    const fresh = numClasses !== undefined && numClasses !== parts.config.args.numClasses
    if (fresh || globalPool !== undefined || dropRate !== undefined || labels !== undefined) {
      await change(withOtherHead(own, { numClasses, globalPool, dropRate, fresh, seed, labels }, verb))
    }
    throwIfAborted(signal)
    if (inChans !== undefined) await change(withOtherChannels(own, inChans))
    throwIfAborted(signal)
    const { module, config, preprocess } = own
    return new ModelParts(module, await optimized(module, asked.optimize, signal), config, preprocess)
  } catch (error) {
    own.module.dispose()
    throw error
  }
}

/** timm's ResNet (arXiv:1512.03385), with its verbs. */
export class ResNet extends ImageClassifier {
  /** As ImageClassifier.load; an archive or configuration of another family is refused. */
  static override async load(source: ResNetSource, options?: ResNetOptions): Promise<ResNet> {
    const verb = 'ResNet.load'
    const parsed = parseOptions(resnetOptions, options, verb)
    const opened = await openModel(source, parsed)
    const { architecture } = opened
    if (isArchitecture(architecture) && architectures[architecture].family !== 'resnet') {
      opened.module.dispose()
      const message = `Expected a ResNet for ${verb} but received ${architecture}: use ImageClassifier.load`
      throw torchError('ERR_TORCH_INVALID_ARGUMENT', message, { operation: verb })
    }
    const parts = await modelParts(opened, { ...parsed, optimize: 'none' }, verb)
    return new ResNet(await asAsked(parts, parsed, verb))
  }

  /** 0: `forward` gives the pooled features; undefined where nothing says it. */
  get numClasses(): number | undefined {
    return partsOf(this).config.args.numClasses
  }

  /** Channels of the last feature map; undefined where nothing says it. */
  get numFeatures(): number | undefined {
    return partsOf(this).config.program.numFeatures
  }

  /** input: float32 [N, C, H, W]. Resolves to the last feature map, float32 [N, D, H/32, W/32] (or / outputStride). */
  async forwardFeatures(input: Tensor, options?: ExecutionOptions): Promise<Tensor> {
    return partsOf(this).inference.call<Tensor>('forward_features', [input], options)
  }

  /** features: float32 [N, D, h, w]. Resolves to the logits [N, K], or with preLogits to the pooled features [N, D]. */
  async forwardHead(features: Tensor, options?: ForwardHeadOptions): Promise<Tensor> {
    const { preLogits, ...execution } = parseOptions(headOptions, options, 'forwardHead')
    return partsOf(this).inference.call<Tensor>('forward_head', [features, preLogits], execution as ExecutionOptions)
  }

  /**
   * input: float32 [N, C, H, W]. Resolves to the final features and those of the stages asked for, in the stages' order;
   * with stopEarly the final ones are the last stage's.
   */
  async forwardIntermediates(
    input: Tensor,
    options?: ForwardIntermediatesOptions,
  ): Promise<{ features: Tensor; intermediates: Tensor[] }> {
    const parsed = parseOptions(intermediatesOptions, options, 'forwardIntermediates')
    const { indices, stopEarly, norm, ...execution } = parsed
    const { config, inference } = partsOf(this)
    const count = config.program.featureInfo?.length ?? usualStages
    const args = [input, indices === undefined ? null : stageIndices(indices, count), stopEarly]
    const outputs = await inference.call('forward_intermediates', args, execution as ExecutionOptions)
    const [features, intermediates] = outputs as [Tensor, Tensor[]]
    return { features, intermediates }
  }

  /**
   * timm's reset_classifier: a new model that shares the body, with a new classifier, initialized as torch.nn.Linear is;
   * 0 classes: none. Throws ERR_TORCH_INVALID_ARGUMENT for classes without a pool.
   */
  async resetClassifier(numClasses: number, options?: ResetClassifierOptions): Promise<ResNet> {
    const verb = 'resetClassifier'
    const parsed = parseOptions(resetOptions, options, verb)
    const classes = parseOptions(numClassesOption, { numClasses }, verb)
    const parts = await withOtherHead(partsOf(this), { ...parsed, ...classes, fresh: true }, verb)
    return derived<ResNet>(this, await asOptimized(parts, parsed.optimize))
  }
}

nameVerbs(ResNet)

async function asOptimized({ module, config, preprocess }: ModelParts, optimize: 'auto' | 'none'): Promise<ModelParts> {
  return new ModelParts(module, await optimized(module, optimize), config, preprocess)
}
