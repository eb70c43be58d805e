import { isAbortSignal } from '../core/abort.js'
import { invalidArgument } from '../core/errors.js'
import type { ExecutionOptions } from '../core/execution.js'
import type { Module } from '../core/module.js'
import { operators } from '../core/operators.js'
import { defineOptions, parseOptions } from '../core/options.js'
import { scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'
import type { ImageInput } from '../io/image-input.js'
import { preprocess } from '../io/preprocess.js'
import type { PreprocessConfig } from '../io/preprocess-config.js'
import { type Classified, classifyStream } from './classify-stream.js'
import type { Label } from './labels.js'
import { type ModelSource, type OpenedModel, openModel } from './open-model.js'
import { type Prediction, predictionOf } from './prediction.js'

const loadOptions = defineOptions((z) => ({
  optimize: z.enum(['auto', 'none']).default('auto'),
  preprocess: z.record(z.string(), z.unknown()).default({}),
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

export async function openClassifier(
  source: ModelSource,
  options: ImageClassifierOptions | undefined,
  verb: string,
): Promise<ClassifierParts> {
  const { optimize, preprocess: changes } = parseOptions(loadOptions, options, verb)
  const config = await openModel(source)
  const { module } = config
  const preserve = module
    .methods()
    .map(({ name }) => name)
    .filter((name) => kept.includes(name))
  const inference = optimize === 'none' ? module : await module.freeze({ preserve, channelsLast: true, optimize: true })
  return { module, inference, config, preprocess: { ...config.preprocess, ...(changes as PreprocessConfig) } }
}

/** A network that turns images into one logit per class, with the preprocessing and the labels that belong to it. */
export class ImageClassifier {
  readonly #parts: ClassifierParts

  protected constructor(parts: ClassifierParts) {
    this.#parts = parts
  }

  /** Rejects with ERR_TORCH_MODULE_LOAD, ERR_TORCH_FILE_FORMAT, ERR_TORCH_STATE_DICT, ERR_TORCH_INVALID_ARGUMENT. */
  static async load(source: ModelSource, options?: ImageClassifierOptions): Promise<ImageClassifier> {
    return new ImageClassifier(await openClassifier(source, options, 'ImageClassifier.load'))
  }

  /** timm's name of the model, where the source said it. */
  get architecture(): string | undefined {
    return this.#parts.config.architecture
  }

  /** One per logit; undefined where nothing says what the logits mean. */
  get labels(): readonly Label[] | undefined {
    return this.#parts.config.labels
  }

  /** The TorchScript module that runs. */
  get module(): Module {
    return this.#parts.inference
  }

  /** The module before optimization: its weights by name. */
  get program(): Module {
    return this.#parts.module
  }

  /** Images as the model wants them: float32 [N, 3, H, W], normalized. Rejects with ERR_TORCH_IMAGE. */
  preprocess(images: ImageInput | readonly ImageInput[], options?: { signal?: AbortSignal }): Promise<Tensor> {
    const list = Array.isArray(images) ? images : [images as ImageInput]
    return preprocess(list, this.#parts.preprocess, options)
  }

  /** input: float32 [N, 3, H, W] as `preprocess` gives it. Resolves to the logits, float32 [N, K]. */
  async forward(input: Tensor, options?: ExecutionOptions): Promise<Tensor> {
    return (await this.#parts.inference.call('forward', [input], options)) as Tensor
  }

  /**
   * The best classes of each image. A list gives the list of their predictions, and any bad image rejects the call; an
   * async iterable gives an async iterable, in order, with a bad image's error in its place.
   *
   * Rejects with ERR_TORCH_IMAGE (the message names the file), ERR_TORCH_INVALID_ARGUMENT, or the signal's reason.
   */
  classify(images: AsyncIterable<ImageInput>, options?: ClassifyOptions): AsyncGenerator<Classified>
  classify(images: ImageInput | readonly ImageInput[], options?: ClassifyOptions): Promise<Prediction[][]>
  classify(
    images: ImageInput | readonly ImageInput[] | AsyncIterable<ImageInput>,
    options?: ClassifyOptions,
  ): Promise<Prediction[][]> | AsyncGenerator<Classified> {
    if (typeof images === 'object' && images !== null && Symbol.asyncIterator in images) {
      const parsed = parseOptions(classifyOptions, options, 'classify')
      return classifyStream(images, parsed, {
        preprocess: (image, signal) => this.preprocess(image, signal && { signal }),
        classify: (pixels, signal) => this.#classifyPixels(pixels, parsed.topK, signal),
      })
    }
    return this.#classifyList(images, options)
  }

  async #classifyList(
    images: ImageInput | readonly ImageInput[],
    options: ClassifyOptions | undefined,
  ): Promise<Prediction[][]> {
    const { topK, batchSize, signal } = parseOptions(classifyOptions, options, 'classify')
    const list = Array.isArray(images) ? (images as readonly ImageInput[]) : [images as ImageInput]
    if (list.length === 0) throw invalidArgument('images', 'at least one image', images, { operation: 'classify' })
    const predictions: Prediction[][] = []
    for (let start = 0; start < list.length; start += batchSize) {
      const batch = list.slice(start, start + batchSize)
      const part = await scope(async () => {
        const pixels = await this.preprocess(batch, signal && { signal })
        return this.#classifyPixels(pixels, topK, signal)
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
      const best = await operators.topk(await operators.softmax(logits, -1), Math.min(topK, classes)) // [N, topK]
      const [values, indices] = await Promise.all([best.values.data('float32'), best.indices.data('int64')])
      const width = values.length / count
      return Array.from({ length: count }, (_, row) =>
        Array.from({ length: width }, (_, column) => {
          const at = row * width + column
          return predictionOf(Number(indices[at]), values[at] ?? Number.NaN, this.labels)
        }),
      )
    })
  }

  /** Frees the weights. */
  dispose(): void {
    this.#parts.inference.dispose()
    this.#parts.module.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
