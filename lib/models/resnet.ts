import { torchError } from '../core/errors.js'
import type { ExecutionOptions } from '../core/execution.js'
import { defineOptions, parseOptions } from '../core/options.js'
import type { Tensor } from '../core/tensor.js'
import { ImageClassifier, type ImageClassifierOptions, openClassifier } from './image-classifier.js'
import type { ModelSource } from './open-model.js'
import { architectures } from './registry.js'

type Z = Parameters<Parameters<typeof defineOptions>[0]>[0]

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

/** Unlike a schema it stops at the first element that is none. */
const isIntegerArray = (value: unknown) =>
  Array.isArray(value) && value.findIndex((item) => !Number.isSafeInteger(item)) < 0

const intermediatesOptions = defineOptions((z) => ({
  indices: z.custom<readonly number[]>(isIntegerArray, 'an array of integers').optional(),
  stopEarly: z.boolean().default(false),
  ...execution(z),
}))

export interface ForwardIntermediatesOptions extends ExecutionOptions {
  /** Which of the five stages (stem, layer1 to layer4), negative from the end. Default all. */
  indices?: readonly number[] | undefined
  /** Stop after the last stage asked for. Default false. */
  stopEarly?: boolean | undefined
}

/** timm's ResNet (arXiv:1512.03385), with its verbs. */
export class ResNet extends ImageClassifier {
  /** As ImageClassifier.load; an archive or configuration of another family is refused. */
  static override async load(source: ModelSource, options?: ImageClassifierOptions): Promise<ResNet> {
    const parts = await openClassifier(source, options, 'ResNet.load')
    const { architecture } = parts.config
    const known = architecture !== undefined && Object.hasOwn(architectures, architecture)
    const family = known ? architectures[architecture as keyof typeof architectures].family : undefined
    if (family !== undefined && family !== 'resnet') {
      parts.inference.dispose()
      parts.module.dispose()
      const message = `Expected a ResNet for ResNet.load but received ${architecture}: use ImageClassifier.load`
      throw torchError('ERR_TORCH_INVALID_ARGUMENT', message, { operation: 'ResNet.load' })
    }
    return new ResNet(parts)
  }

  /** input: float32 [N, 3, H, W]. Resolves to the last feature map, float32 [N, D, H/32, W/32]. */
  async forwardFeatures(input: Tensor, options?: ExecutionOptions): Promise<Tensor> {
    return (await this.module.call('forward_features', [input], options)) as Tensor
  }

  /** features: float32 [N, D, h, w]. Resolves to the logits [N, K], or with preLogits to the pooled features [N, D]. */
  async forwardHead(features: Tensor, options?: ForwardHeadOptions): Promise<Tensor> {
    const { preLogits, ...execution } = parseOptions(headOptions, options, 'forwardHead')
    return (await this.module.call('forward_head', [features, preLogits], execution as ExecutionOptions)) as Tensor
  }

  /**
   * input: float32 [N, 3, H, W]. Resolves to the final features and those of the stages asked for; with stopEarly the
   * final ones are the last stage's.
   */
  async forwardIntermediates(
    input: Tensor,
    options?: ForwardIntermediatesOptions,
  ): Promise<{ features: Tensor; intermediates: Tensor[] }> {
    const parsed = parseOptions(intermediatesOptions, options, 'forwardIntermediates')
    const { indices, stopEarly, ...execution } = parsed
    const args = [input, indices === undefined ? null : [...indices], stopEarly]
    const outputs = await this.module.call('forward_intermediates', args, execution as ExecutionOptions)
    const [features, intermediates] = outputs as [Tensor, Tensor[]]
    return { features, intermediates }
  }
}
