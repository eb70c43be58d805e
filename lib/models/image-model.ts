import { inspect } from 'node:util'
import { invalidArgument, torchError } from '../core/errors.js'
import type { ExecutionOptions } from '../core/execution.js'
import type { Module } from '../core/module.js'
import type { LoadStateDictOptions } from '../core/module-options.js'
import { defineOptions, parseOptions, type SignalOptions, signalField } from '../core/options.js'
import { adopt, type Handle, type handleBrand, keep, markHandleClass, scope } from '../core/scope.js'
import { isTensor, type Tensor } from '../core/tensor.js'
import type { Value } from '../core/value.js'
import type { DecodeImageOptions } from '../io/decode-image.js'
import type { ImageInput } from '../io/image-input.js'
import { preprocess } from '../io/preprocess.js'
import { decodeFields, preprocessConfig, type ResolvedConfig } from '../io/preprocess-config.js'
import { handOver, joinedFeatures, ownFeatures } from './feature-batches.js'
import {
  type FeaturesOptions,
  featuresOptions,
  type ParsedFeatures,
  selectedNodes,
  selectedScales,
} from './feature-selection.js'
import { type Batching, type Failed, imageStream } from './image-stream.js'
import { loadWeights } from './load-weights.js'
import { ModelParts } from './model-parts.js'
import { isNamePatterns, matchingNames, type NamePattern } from './name-patterns.js'
import { namingLayers } from './named-layers.js'
import { type ImageStream, type ImagesOptions, inBatches, isImageStream } from './over-images.js'
import {
  groupedByLayer,
  type ParameterGroup,
  type ParameterGroupsOptions,
  readParameterGroupsOptions,
} from './parameter-groups.js'
import type { FeatureInfo } from './program-info.js'
import { hasStages, stages } from './stages.js'
import { setTrainable } from './trainable.js'
import { nameVerbs } from './verb-names.js'

/** One image of a stream of features: its own, [C, h, w] per layer, which the reader disposes; or why there are none. */
export type Featured =
  | { image: ImageInput; features: Tensor[]; error?: undefined }
  | (Failed & { features?: undefined })

const modelDecodeOptions = defineOptions((z) => ({ ...decodeFields(z), signal: signalField(z) }))

const freezeOptions = defineOptions((z) => ({ batchNorm: z.boolean().default(true), signal: signalField(z) }))

export interface FreezeModelOptions extends SignalOptions {
  /** Whether batch norms among the layers keep their statistics while the rest trains (or no longer do). Default true. */
  batchNorm?: boolean | undefined
}

/** The parts of a model; throws ERR_TORCH_INVALID_ARGUMENT for anything else. */
export let partsOf: (model: ImageModel) => ModelParts
/** A model of these parts that is no more than a model. */
export let modelOf: (parts: ModelParts) => ImageModel

/**
 * A network over images with the preprocessing that belongs to it. Models do not change: what would change one gives a
 * new model that shares its tensors. Scopes own models as they own tensors.
 */
export class ImageModel implements Handle {
  declare readonly [handleBrand]: true
  readonly #parts: ModelParts

  static {
    partsOf = (model) => {
      if (typeof model === 'object' && model !== null && #parts in model) return model.#parts
      throw invalidArgument('the receiver of the method', 'a model', model)
    }
    modelOf = (parts) => new ImageModel(parts)
  }

  // TypeScript's `protected` keeps nobody from `new ImageModel(...)` at run time.
  protected constructor(parts: ModelParts) {
    if (!ModelParts.is(parts)) {
      const message = 'Expected the static method load to open the model but received a call of new'
      throw torchError('ERR_TORCH_INVALID_ARGUMENT', message)
    }
    this.#parts = parts
    keep(parts.module)
    keep(parts.inference)
    adopt(this)
  }

  /** timm's name of the model, where the source said it. */
  get architecture(): string | undefined {
    return partsOf(this).config.architecture
  }

  /** The scales at which the network has features, the largest map first; undefined where nothing says them. */
  get featureInfo(): readonly FeatureInfo[] | undefined {
    return partsOf(this).config.program.featureInfo
  }

  /** timm's data config, complete: how an image becomes the model's input. Each call gives an object of its own. */
  get preprocessing(): ResolvedConfig {
    const { autoOrient, maxPixels, ...config } = partsOf(this).preprocess
    return structuredClone(parseOptions(preprocessConfig, config, 'preprocessing'))
  }

  /** The TorchScript module that runs. */
  get module(): Module {
    return partsOf(this).inference
  }

  /** The module before optimization: its weights by name. */
  get program(): Module {
    return partsOf(this).module
  }

  /** Dotted names of all layers, which `features` takes as nodes. */
  async modules(): Promise<string[]> {
    return partsOf(this).module.submodules()
  }

  /** Images as the model wants them: float32 [N, 3, H, W], normalized. Rejects with ERR_TORCH_IMAGE. */
  async preprocess(images: ImageInput | readonly ImageInput[], options?: DecodeImageOptions): Promise<Tensor> {
    const parsed = parseOptions(modelDecodeOptions, options, 'preprocess')
    const { preprocess: config, decode, signal } = batchingOf(this, 'preprocess', { batchSize: 1, ...parsed })
    return preprocess(images, config, { ...decode, signal })
  }

  /**
   * input: float32 [N, C, H, W], as `preprocess` gives it. R is what the caller knows of the result, and is not checked.
   * Rejects as Module.call.
   */
  async forward<R extends Value = Tensor>(input: Tensor, options?: ExecutionOptions): Promise<R> {
    return partsOf(this).inference.call<R>('forward', [input], options)
  }

  /**
   * Feature maps at several scales, or what any layers give, as they give it (before anything changes it in place).
   * A tensor [N, C, H, W] or images: resolves to one tensor [N, ...] per layer. An async iterable gives an async
   * iterable, in order, with a bad image's error in its place, as `classify` does.
   *
   * Rejects with ERR_TORCH_INVALID_ARGUMENT (no such layer, or one that does not always run), and as `classify`.
   */
  features(input: Tensor | ImageInput | readonly ImageInput[], options?: FeaturesOptions): Promise<Tensor[]>
  features(images: ImageStream, options?: FeaturesOptions): AsyncGenerator<Featured>
  features(
    input: Tensor | ImageInput | readonly ImageInput[] | ImageStream,
    options?: FeaturesOptions,
  ): Promise<Tensor[]> | AsyncGenerator<Featured> {
    if (!isImageStream(input)) return ImageModel.#featuresOf(this, input, options)
    const parsed = parseOptions(featuresOptions, options, 'features')
    return imageStream<Tensor[], Featured>(input, imagesOf(this, 'features', parsed), {
      run: async (pixels, signal) => ownFeatures(await ImageModel.#layers(this, pixels, { ...parsed, signal })),
      entry: (image, features) => ({ image, features: handOver(features) }),
      discard: (features) => {
        for (const tensor of features) tensor.dispose()
      },
    })
  }

  static async #featuresOf(
    model: ImageModel,
    input: Tensor | ImageInput | readonly ImageInput[],
    options: FeaturesOptions | undefined,
  ): Promise<Tensor[]> {
    const parsed = parseOptions(featuresOptions, options, 'features')
    if (isTensor(input)) return ImageModel.#layers(model, input, parsed)
    const batching = imagesOf(model, 'features', parsed)
    const run = (pixels: Tensor) => ImageModel.#layers(model, pixels, parsed)
    return scope(async () => joinedFeatures(await inBatches(input, batching, run)))
  }

  static async #layers(model: ImageModel, pixels: Tensor, { signal, ...selection }: ParsedFeatures): Promise<Tensor[]> {
    const { module, inference } = partsOf(model)
    const options = signal === undefined ? {} : { signal }
    const nodes = selectedNodes(selection, model.featureInfo, 'features')
    if (selection.nodes === undefined && hasStages(inference)) {
      return stages(inference, pixels, selectedScales(selection.indices, model.featureInfo, 'features'), options)
    }
    // Not the optimized program: in that one layers are folded into each other.
    return namingLayers(module, nodes, 'features', () => module.callLayers(nodes, [pixels], options))
  }

  /**
   * timm.utils.freeze: a new model whose parameters that the names match ('layer1' stands for all below it, * for any
   * text; all where there are none) have no gradients, and whose batch norms there keep their statistics in training.
   * Layers without parameters may be named; a name of nothing is ERR_TORCH_INVALID_ARGUMENT.
   */
  freeze(names: readonly NamePattern[] = [], options?: FreezeModelOptions): Promise<this> {
    return ImageModel.#withTrainable(this, false, names, options)
  }

  /** timm.utils.unfreeze: the other way round. */
  unfreeze(names: readonly NamePattern[] = [], options?: FreezeModelOptions): Promise<this> {
    return ImageModel.#withTrainable(this, true, names, options)
  }

  static async #withTrainable<Model extends ImageModel>(
    model: Model,
    on: boolean,
    names: readonly NamePattern[],
    options: FreezeModelOptions | undefined,
  ): Promise<Model> {
    const operation = on ? 'unfreeze' : 'freeze'
    const parts = partsOf(model)
    const { batchNorm, signal } = parseOptions(freezeOptions, options, operation)
    if (!isNamePatterns(names)) {
      throw invalidArgument('names', 'an array of names or expressions', names, { operation })
    }
    return derived(
      model,
      await parts.with(async (module) => {
        const own = await module.derive({ signal })
        await setTrainable(own, on, { patterns: names, batchNorm, operation })
        return own
      }),
    )
  }

  /** torch.nn.Module.state_dict: parameters and buffers by name, in PyTorch's order; shared with the model. */
  async stateDict(options?: SignalOptions): Promise<Map<string, Tensor>> {
    return partsOf(this).module.stateDict(options)
  }

  /**
   * A new model with these tensors, which it shares; those of another precision are converted to the model's. Rejects
   * with ERR_TORCH_STATE_DICT, as `module.loadStateDict` does.
   */
  async loadStateDict(
    tensors: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
    options?: LoadStateDictOptions,
  ): Promise<this> {
    const parts = await partsOf(this).with(async (module) => {
      const own = await module.derive()
      await loadWeights(own, tensors, options)
      return own
    })
    return derived(this, parts)
  }

  /**
   * timm.optim.param_groups_layer_decay of the parameters that have gradients: by layer, those without weight decay
   * apart. The caller disposes the tensors, or a scope does.
   */
  parameterGroups(options?: ParameterGroupsOptions): Promise<ParameterGroup[]> {
    return scope(async () => {
      const { module, config } = partsOf(this)
      const parsed = readParameterGroupsOptions(options)
      const parameters = await module.parameters({ signal: parsed.signal })
      const exempt = parsed.noWeightDecay.length
        ? matchingNames([...parameters.keys()], parsed.noWeightDecay, 'parameterGroups')
        : []
      const exempted = new Set(exempt)
      return groupedByLayer(parameters, config.program.groupMatcher ?? {}, parsed, (name) => exempted.has(name))
    })
  }

  get disposed(): boolean {
    return partsOf(this).inference.disposed
  }

  /** Frees the weights once the calls in flight have ended. A second call does nothing. */
  dispose(): void {
    const { inference, module } = partsOf(this)
    inference.dispose()
    module.dispose()
  }

  [Symbol.dispose](): void {
    ImageModel.prototype.dispose.call(this)
  }

  [inspect.custom](): string {
    if (!(#parts in this)) return 'ImageModel {}' // the prototype, say
    const { config, inference } = this.#parts
    const labels = config.labels && `${config.labels.length} labels`
    const facts = [config.architecture ?? 'unnamed', labels, inference.disposed && 'disposed'].filter(Boolean)
    return `${this.constructor.name} ${facts.join(', ')}: ${inspect(inference)}`
  }
}

/** A call's own word on how images are decoded, else the model's. */
function batchingOf(
  model: ImageModel,
  operation: string,
  { batchSize, signal, ...own }: ImagesOptions & { batchSize: number },
): Batching {
  const { preprocess, config } = partsOf(model)
  const { autoOrient, maxPixels, ...data } = preprocess
  const decode = { autoOrient: own.autoOrient ?? autoOrient, maxPixels: own.maxPixels ?? maxPixels }
  const { inChans = 3 } = config.args
  if (inChans === 3) return { operation, preprocess: data, decode, batchSize, signal }
  const message = `Expected a model of images, which have 3 channels, but this one takes ${inChans}: call forward`
  throw torchError('ERR_TORCH_INVALID_ARGUMENT', message, { operation })
}

/**
 * How a verb takes its images. Throws ERR_TORCH_INVALID_ARGUMENT where the receiver is no model, or none of images, and
 * ERR_TORCH_DISPOSED.
 */
export function imagesOf(
  model: ImageModel,
  operation: string,
  options: ImagesOptions & { batchSize: number },
): Batching {
  const batching = batchingOf(model, operation, options)
  if (!partsOf(model).inference.disposed) return batching
  throw torchError('ERR_TORCH_DISPOSED', `Expected a live model for ${operation} but received a disposed one`)
}

/** A model of the same class. */
export function derived<Model extends ImageModel>(model: Model, parts: ModelParts): Model {
  return Reflect.construct(model.constructor, [parts]) as Model
}

nameVerbs(ImageModel)
markHandleClass(ImageModel, 'await model.stateDict()')
