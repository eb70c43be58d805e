import { torchError } from '../core/errors.js'
import { operators } from '../core/operators.js'
import { defineOptions, parseOptions } from '../core/options.js'
import { scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'
import type { Value } from '../core/value.js'
import type { ImageInput } from '../io/image-input.js'
import type { ModelPreprocessConfig } from '../io/preprocess-config.js'
import { classActivations, type HeatMap } from './class-activation.js'
import { type CustomHead, headedProgram, type WithHeadOptions } from './custom-head.js'
import { type LoadControl, loadControlFields } from './hub-files.js'
import { ImageModel, imagesOf, modelOf, partsOf } from './image-model.js'
import type { Batching, Failed } from './image-stream.js'
import { type Label, labelsFor } from './labels.js'
import { requireMatrix } from './model-output.js'
import { ModelParts, type Optimize, optimized } from './model-parts.js'
import { type ModelSource, type OpenedModel, openModel } from './open-model.js'
import { type ImageStream, type ImagesOptions, imagesFields, overImages } from './over-images.js'
import { type Prediction, predictionOf } from './prediction.js'
import { preprocessing } from './pretrained-config.js'
import { nameVerbs } from './verb-names.js'

type Z = Parameters<Parameters<typeof defineOptions>[0]>[0]

/** The fields of `load` that every model has. */
export const loadFields = (z: Z) => ({
  optimize: z.enum(['auto', 'none']).default('auto'),
  preprocess: z.custom<ModelPreprocessConfig>().optional(),
  testSize: z.boolean().default(false),
  mmap: z.boolean().optional(),
  ...loadControlFields(z),
})

const loadOptions = defineOptions(loadFields)

export interface ImageClassifierOptions extends LoadControl {
  /**
   * 'auto' (default) folds batch norms, which rounds weights anew, and stores them as the CPU likes: the logits of the
   * sample photographs differ from timm's by at most 1e-5 times the largest. These weights lie beside the model's own. 'none'
   * runs the program as it is: at most 1e-5.
   */
  optimize?: Optimize | undefined
  /**
   * Replaces parts of the model's own preprocessing; beside those `maxPixels` and `autoOrient`, which are then the defaults
   * of every call.
   */
  preprocess?: ModelPreprocessConfig | undefined
  /** timm's use_test_size: the larger input and crop with which the model is at its best. Default false. */
  testSize?: boolean | undefined
  /**
   * Maps a safetensors file of weights instead of reading it: several times faster, and processes share the memory. Whoever
   * truncates a mapped file, as `cp` over it does, ends this process (SIGBUS). Default: in the hub's cache alone, where
   * files are renamed into their place.
   */
  mmap?: boolean | undefined
}

const embedOptions = defineOptions(imagesFields)
const classifyOptions = defineOptions((z) => ({
  topK: z.int().min(1).default(5),
  ...imagesFields(z),
}))

export interface ClassifyOptions extends ImagesOptions {
  /** Predictions per image, best first; all classes where there are not so many, as in transformers. Default 5. */
  topK?: number | undefined
}

const heatMapOptions = defineOptions((z) => ({ classIndex: z.int().min(0).optional(), ...imagesFields(z) }))

export interface HeatMapOptions extends ImagesOptions {
  /** The class whose evidence is looked for, in every image. Default: each image's best. */
  classIndex?: number | undefined
}

/** One image of a stream: what it shows, or why it could not be looked at. */
export type Classified =
  | { image: ImageInput; predictions: Prediction[]; error?: undefined }
  | (Failed & { predictions?: undefined })

/** One image of a stream: where it lies among others, or why it could not be looked at. */
export type Embedded =
  | { image: ImageInput; embedding: Float32Array; error?: undefined }
  | (Failed & { embedding?: undefined })

/** One image of a stream: where the evidence for a class lies, or why it could not be looked at. */
export type HeatMapped = { image: ImageInput; heatMap: HeatMap; error?: undefined } | (Failed & { heatMap?: undefined })

/** Optimizes what was opened; disposes it where something is wrong. */
export async function modelParts(
  { module, ...config }: OpenedModel,
  options: {
    optimize: Optimize
    preprocess?: ModelPreprocessConfig | undefined
    testSize: boolean
    signal?: AbortSignal | undefined
  },
  verb: string,
): Promise<ModelParts> {
  try {
    const preprocess = preprocessing(config, { changes: options.preprocess, forTest: options.testSize }, verb)
    return new ModelParts(module, await optimized(module, options.optimize, options.signal), config, preprocess)
  } catch (error) {
    module.dispose()
    throw error
  }
}

/** Throws ERR_TORCH_SHAPE for a model that is known to give features in place of logits. */
function withLogits(model: ImageModel, batching: Batching): Batching {
  if (partsOf(model).config.args.numClasses !== 0) return batching
  const message = 'Expected a model with a classifier for classify but this one has none (numClasses 0): call embed'
  throw torchError('ERR_TORCH_SHAPE', message)
}

/** torch.nn.functional.normalize: rows of length 1. */
async function normalized(rows: Tensor): Promise<Tensor> {
  const lengths = await operators.norm(rows, { ord: 2, dim: 1, keepdim: true })
  return operators.div(rows, await operators.clamp(lengths, { min: 1e-12 }))
}

/** A network that turns images into one logit per class, with the preprocessing and the labels that belong to it. */
export class ImageClassifier extends ImageModel {
  /**
   * Rejects with ERR_TORCH_MODULE_LOAD, ERR_TORCH_FILE_FORMAT, ERR_TORCH_STATE_DICT, ERR_TORCH_DISK,
   * ERR_TORCH_DOWNLOAD, ERR_TORCH_CHECKSUM, ERR_TORCH_HUB_UNAUTHORIZED, ERR_TORCH_UNKNOWN_OPTION,
   * ERR_TORCH_INVALID_ARGUMENT, the signal's reason, or what `progress` throws.
   */
  static async load(source: ModelSource, options?: ImageClassifierOptions): Promise<ImageClassifier> {
    const verb = 'ImageClassifier.load'
    const parsed = parseOptions(loadOptions, options, verb)
    return new ImageClassifier(await modelParts(await openModel(source, parsed), parsed, verb))
  }

  /** One per logit; undefined where nothing says what the logits mean. */
  get labels(): readonly Label[] | undefined {
    return partsOf(this).config.labels
  }

  /**
   * The best classes of each image. A list gives the list of their predictions, and any bad image rejects the call; an
   * async iterable gives an async iterable, in order, with a bad image's error in its place; it reads at most
   * 3 x batchSize images more than it has given, and leaving it early frees all that is under way. A byte stream is one
   * image in pieces: collect it first (`await buffer(stream)` of node:stream/consumers).
   *
   * Rejects with ERR_TORCH_IMAGE (the message names the file), ERR_TORCH_INVALID_ARGUMENT, ERR_TORCH_SHAPE where the
   * model has no classifier or its program gives no logits, ERR_TORCH_DISPOSED, the signal's reason, or what the iterable itself throws, after the results of what it gave
   * before.
   */
  classify(images: ImageInput | readonly ImageInput[], options?: ClassifyOptions): Promise<Prediction[][]>
  classify(images: ImageStream, options?: ClassifyOptions): AsyncGenerator<Classified>
  classify(
    images: ImageInput | readonly ImageInput[] | ImageStream,
    options?: ClassifyOptions,
  ): Promise<Prediction[][]> | AsyncGenerator<Classified> {
    let topK: number
    const begin = () => {
      const parsed = parseOptions(classifyOptions, options, 'classify')
      topK = parsed.topK
      return withLogits(this, imagesOf(this, 'classify', parsed))
    }
    return overImages<Prediction[], Classified>(
      images,
      begin,
      (pixels, signal) => this.#classifyPixels(pixels, topK, signal),
      (image, predictions) => ({ image, predictions }),
    )
  }

  /** pixels: float32 [N, 3, H, W]. */
  #classifyPixels(pixels: Tensor, topK: number, signal: AbortSignal | undefined): Promise<Prediction[][]> {
    return scope(async () => {
      const output = await this.forward<Value>(pixels, { gradMode: 'inference', signal })
      const count = pixels.shape[0] ?? 0
      const logits = requireMatrix(output, count, `logits [${count}, K]`, 'forward')
      const classes = logits.shape[1] ?? 0
      const labels = labelsFor(this.labels, classes)
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

  /**
   * Each image as a vector of length 1, float32 [D]: the pooled features before the classifier, L2-normalized. Alike
   * images have a large dot product. A list gives a list, an async iterable an async iterable; both as `classify`, which
   * says what they reject with.
   */
  embed(images: ImageInput | readonly ImageInput[], options?: ImagesOptions): Promise<Float32Array[]>
  embed(images: ImageStream, options?: ImagesOptions): AsyncGenerator<Embedded>
  embed(
    images: ImageInput | readonly ImageInput[] | ImageStream,
    options?: ImagesOptions,
  ): Promise<Float32Array[]> | AsyncGenerator<Embedded> {
    return overImages<Float32Array, Embedded>(
      images,
      () => imagesOf(this, 'embed', parseOptions(embedOptions, options, 'embed')),
      (pixels, signal) => this.#embedPixels(pixels, signal),
      (image, embedding) => ({ image, embedding }),
    )
  }

  /** pixels: float32 [N, 3, H, W]. */
  #embedPixels(pixels: Tensor, signal: AbortSignal | undefined): Promise<Float32Array[]> {
    return scope(async () => {
      const { inference } = partsOf(this)
      const options = { gradMode: 'inference', signal } as const
      const features = await inference.call('forward_features', [pixels], options)
      const output = await inference.call('forward_head', [features, true], options)
      const count = pixels.shape[0] ?? 0
      const pooled = requireMatrix(output, count, `pooled features [${count}, D]`, 'forward_head')
      const data = await (await normalized(pooled)).data('float32')
      const width = data.length / count
      return Array.from({ length: count }, (_, row) => data.slice(row * width, (row + 1) * width))
    })
  }

  /**
   * Where in each image the evidence for a class lies: its class activation map (arXiv:1512.04150), h x w cells over what
   * the model sees of the image, whose mean and the classifier's bias are the class's logit. A list gives a list, an async
   * iterable an async iterable; both as `classify`, which says what they reject with. Only for a classifier that is one
   * linear layer on the average of the last feature map, as timm's ResNets and EfficientNets have it:
   * ERR_TORCH_INVALID_ARGUMENT for others.
   */
  heatMap(images: ImageInput | readonly ImageInput[], options?: HeatMapOptions): Promise<HeatMap[]>
  heatMap(images: ImageStream, options?: HeatMapOptions): AsyncGenerator<HeatMapped>
  heatMap(
    images: ImageInput | readonly ImageInput[] | ImageStream,
    options?: HeatMapOptions,
  ): Promise<HeatMap[]> | AsyncGenerator<HeatMapped> {
    let classIndex: number | undefined
    const begin = () => {
      const parsed = parseOptions(heatMapOptions, options, 'heatMap')
      classIndex = parsed.classIndex
      return imagesOf(this, 'heatMap', parsed)
    }
    return overImages<HeatMap, HeatMapped>(
      images,
      begin,
      (pixels, signal) => classActivations(partsOf(this), pixels, { classIndex, signal }),
      (image, heatMap) => ({ image, heatMap }),
    )
  }

  /**
   * A new model that shares the body, with a head of the caller's: for segmentation, regression, detection. The head gets
   * the feature maps of `indices` or `nodes` (default: the last one); its layers are named `head`. `forward` gives what the
   * head gives.
   *
   * Rejects with ERR_TORCH_MODULE_LOAD (source that does not compile), ERR_TORCH_INVALID_ARGUMENT.
   */
  async withHead(head: CustomHead, options?: WithHeadOptions): Promise<ImageModel> {
    const parts = partsOf(this)
    return modelOf(await parts.with(() => headedProgram(parts, head, options), { labels: undefined }))
  }
}

nameVerbs(ImageClassifier)
