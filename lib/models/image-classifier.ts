import { isAbortSignal } from '../core/abort.js'
import { describe, invalidArgument, torchError } from '../core/errors.js'
import type { ExecutionOptions } from '../core/execution.js'
import type { Module } from '../core/module.js'
import { operators } from '../core/operators.js'
import { defineOptions, parseOptions } from '../core/options.js'
import { adopt, type Handle, type handleBrand, keep, markHandleClass, scope } from '../core/scope.js'
import { isTensor, type Tensor } from '../core/tensor.js'
import type { Value } from '../core/value.js'
import type { ImageInput } from '../io/image-input.js'
import { preprocess, preprocessPart } from '../io/preprocess.js'
import type { PreprocessConfig } from '../io/preprocess-config.js'
import { type Classified, classifyStream } from './classify-stream.js'
import type { Label } from './labels.js'
import { type ModelSource, type OpenedModel, openModel } from './open-model.js'
import { type Prediction, predictionOf } from './prediction.js'
import { preprocessing } from './pretrained-config.js'

const loadOptions = defineOptions((z) => ({
  optimize: z.enum(['auto', 'none']).default('auto'),
  preprocess: z.custom<PreprocessConfig>().optional(),
}))

export interface ImageClassifierOptions {
  /** 'auto' (default) folds batch norms and stores weights as the CPU likes them; 'none' runs the program as it is. */
  optimize?: 'auto' | 'none' | undefined
  /** Replaces parts of the model's own preprocessing. */
  preprocess?: PreprocessConfig | undefined
}

const classifyOptions = defineOptions((z) => ({
  topK: z.int().min(1).max(100_000).default(5),
  batchSize: z.int().min(1).max(4096).default(8),
  signal: z.custom<AbortSignal>(isAbortSignal, 'an AbortSignal').optional(),
}))

export interface ClassifyOptions {
  /** Predictions per image, best first. Default 5. */
  topK?: number | undefined
  /** Images that go through the model together. Default 8. */
  batchSize?: number | undefined
  signal?: AbortSignal | undefined
}

/** What a subclass is made from. */
export interface ClassifierParts {
  /** The program as it is, for verbs other than forward. */
  module: Module
  /** The same, optimized for inference. */
  inference: Module
  config: OpenedModel
  preprocess: PreprocessConfig
}

/** Methods that TorchScript programs of timm have, kept when a program is frozen. */
const kept = ['forward_features', 'forward_head', 'forward_intermediates']

async function optimized(module: Module): Promise<Module> {
  const names = module.methods().map(({ name }) => name)
  return module.freeze({ preserve: names.filter((name) => kept.includes(name)), channelsLast: true, optimize: true })
}

// TypeScript's `protected` keeps nobody from `new ImageClassifier(...)` at run time.
const opened = new WeakSet<ClassifierParts>()

export async function openClassifier(
  source: ModelSource,
  options: ImageClassifierOptions | undefined,
  verb: string,
): Promise<ClassifierParts> {
  const { optimize, preprocess: changes } = parseOptions(loadOptions, options, verb)
  const config = await openModel(source)
  const { module } = config
  try {
    const preprocess = preprocessing(config, changes, verb)
    const inference = optimize === 'none' ? module : await optimized(module)
    const parts = { module, inference, config, preprocess }
    opened.add(parts)
    return parts
  } catch (error) {
    module.dispose()
    throw error
  }
}

function isAsyncIterable(images: unknown): images is AsyncIterable<ImageInput> {
  try {
    return (
      typeof images === 'object' &&
      images !== null &&
      Symbol.asyncIterator in images &&
      typeof images[Symbol.asyncIterator] === 'function'
    )
  } catch {
    return false // a proxy that throws: whoever reads it as an image says so
  }
}

function requireLogits(value: Value, rows: number | undefined): Tensor {
  if (isTensor(value) && value.shape.length === 2 && value.shape[0] === rows) return value
  const actual = isTensor(value) ? `${value.dtype} [${value.shape.join(', ')}]` : describe(value)
  const message = `Expected logits [${rows}, K] from the model's forward but received ${actual}`
  throw torchError('ERR_TORCH_SHAPE', message, { operation: 'forward' })
}

/**
 * A network that turns images into one logit per class, with the preprocessing and the labels that belong to it. Scopes
 * own it as they own tensors.
 */
export class ImageClassifier implements Handle {
  declare readonly [handleBrand]: true
  readonly #parts: ClassifierParts

  static #of(receiver: ImageClassifier): ClassifierParts {
    if (typeof receiver === 'object' && receiver !== null && #parts in receiver) return receiver.#parts
    throw invalidArgument('the receiver of the method', 'an ImageClassifier', receiver)
  }

  protected constructor(parts: ClassifierParts) {
    if (!opened.has(parts)) {
      const message = 'Expected the static method load to open the model but received a call of new'
      throw torchError('ERR_TORCH_INVALID_ARGUMENT', message)
    }
    this.#parts = parts
    keep(parts.module)
    keep(parts.inference)
    adopt(this)
  }

  /**
   * Rejects with ERR_TORCH_MODULE_LOAD, ERR_TORCH_FILE_FORMAT, ERR_TORCH_STATE_DICT, ERR_TORCH_DISK,
   * ERR_TORCH_UNKNOWN_OPTION, ERR_TORCH_INVALID_ARGUMENT.
   */
  static async load(source: ModelSource, options?: ImageClassifierOptions): Promise<ImageClassifier> {
    return new ImageClassifier(await openClassifier(source, options, 'ImageClassifier.load'))
  }

  /** timm's name of the model, where the source said it. */
  get architecture(): string | undefined {
    return ImageClassifier.#of(this).config.architecture
  }

  /** One per logit; undefined where nothing says what the logits mean. */
  get labels(): readonly Label[] | undefined {
    return ImageClassifier.#of(this).config.labels
  }

  /** The TorchScript module that runs. */
  get module(): Module {
    return ImageClassifier.#of(this).inference
  }

  /** The module before optimization: its weights by name. */
  get program(): Module {
    return ImageClassifier.#of(this).module
  }

  /** Images as the model wants them: float32 [N, 3, H, W], normalized. Rejects with ERR_TORCH_IMAGE. */
  async preprocess(images: ImageInput | readonly ImageInput[], options?: { signal?: AbortSignal }): Promise<Tensor> {
    return preprocess(images, ImageClassifier.#of(this).preprocess, options)
  }

  /**
   * input: float32 [N, 3, H, W] as `preprocess` gives it. Resolves to the logits, float32 [N, K]. Rejects with
   * ERR_TORCH_SHAPE where the program gives something else, and as Module.call.
   */
  async forward(input: Tensor, options?: ExecutionOptions): Promise<Tensor> {
    const { inference } = ImageClassifier.#of(this)
    const rows = isTensor(input) ? input.shape[0] : undefined
    return scope(async () => requireLogits(await inference.call('forward', [input], options), rows))
  }

  /**
   * The best classes of each image. A list gives the list of their predictions, and any bad image rejects the call; an
   * async iterable gives an async iterable, in order, with a bad image's error in its place; it reads at most
   * 3 x batchSize images more than it has given, and leaving it early frees all that is under way.
   *
   * Rejects with ERR_TORCH_IMAGE (the message names the file), ERR_TORCH_INVALID_ARGUMENT, the signal's reason, or what
   * the iterable itself throws, after the results of what it gave before.
   */
  classify(images: AsyncIterable<ImageInput>, options?: ClassifyOptions): AsyncGenerator<Classified>
  classify(images: ImageInput | readonly ImageInput[], options?: ClassifyOptions): Promise<Prediction[][]>
  classify(
    images: ImageInput | readonly ImageInput[] | AsyncIterable<ImageInput>,
    options?: ClassifyOptions,
  ): Promise<Prediction[][]> | AsyncGenerator<Classified> {
    if (isAsyncIterable(images)) {
      ImageClassifier.#of(this)
      const parsed = parseOptions(classifyOptions, options, 'classify')
      return classifyStream(images, parsed, {
        preprocess: (image, signal) => this.preprocess(image, { signal }),
        classify: (pixels, signal) => this.#classifyPixels(pixels, parsed.topK, signal),
      })
    }
    return ImageClassifier.#classifyList(this, images, options)
  }

  static async #classifyList(
    receiver: ImageClassifier,
    images: ImageInput | readonly ImageInput[],
    options: ClassifyOptions | undefined,
  ): Promise<Prediction[][]> {
    const own = ImageClassifier.#of(receiver)
    const { topK, batchSize, signal } = parseOptions(classifyOptions, options, 'classify')
    const list = Array.isArray(images) ? (images as readonly ImageInput[]) : [images as ImageInput]
    if (list.length === 0) throw invalidArgument('images', 'at least one image', images, { operation: 'classify' })
    const predictions: Prediction[][] = []
    for (let start = 0; start < list.length; start += batchSize) {
      const batch = list.slice(start, start + batchSize)
      const part = await scope(async () => {
        const pixels = await preprocessPart(batch, start, own.preprocess, signal && { signal })
        return receiver.#classifyPixels(pixels, topK, signal)
      })
      predictions.push(...part)
    }
    return predictions
  }

  /** pixels: float32 [N, 3, H, W]. */
  #classifyPixels(pixels: Tensor, topK: number, signal: AbortSignal | undefined): Promise<Prediction[][]> {
    return scope(async () => {
      const logits = await this.forward(pixels, { gradMode: 'inference', signal }) // [N, K]
      const [count = 0, classes = 0] = logits.shape
      // A configuration that was copied from another model may name more classes than there are.
      const labels = this.labels !== undefined && this.labels.length <= classes ? this.labels : undefined
      const best = await operators.topk(await operators.softmax(logits, -1), Math.min(topK, classes)) // [N, topK]
      const [values, indices] = await Promise.all([best.values.data('float32'), best.indices.data('int64')])
      const width = values.length / count
      return Array.from({ length: count }, (_, row) =>
        Array.from({ length: width }, (_, column) => {
          const at = row * width + column
          return predictionOf(Number(indices[at]), values[at] ?? Number.NaN, labels)
        }),
      )
    })
  }

  get disposed(): boolean {
    return ImageClassifier.#of(this).inference.disposed
  }

  /** Frees the weights once the calls in flight have ended. A second call does nothing. */
  dispose(): void {
    const { inference, module } = ImageClassifier.#of(this)
    inference.dispose()
    module.dispose()
  }

  [Symbol.dispose](): void {
    ImageClassifier.prototype.dispose.call(this)
  }
}

markHandleClass(ImageClassifier)
