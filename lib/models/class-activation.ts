import { describe } from '../core/describe.js'
import { invalidArgument, type TorchError, torchError } from '../core/errors.js'
import { operators } from '../core/operators.js'
import { scope } from '../core/scope.js'
import { Tensor } from '../core/tensor.js'
import { labelsFor } from './labels.js'
import { requireMaps, requireMatrix } from './model-output.js'
import type { ModelParts } from './model-parts.js'
import { type Prediction, predictionOf } from './prediction.js'

/** Where the evidence for one class lies in one image. */
export interface HeatMap extends Prediction {
  /** Cells, from top to bottom. */
  height: number
  /** Cells, from left to right. */
  width: number
  /** [height * width], row by row: what each cell says for the class (or against it), in units of the logit. */
  values: Float32Array
}

const operation = 'heatMap'

/**
 * In parts of the largest logit. That the mean of the map and the bias are the logit holds for average pools alone; another
 * pool misses by more than all that float32 rounds.
 */
const tolerance = 1e-3

function unfit(actual: string): TorchError {
  const message = `Expected a classifier that is one linear layer on the average of the last feature map for heatMap but received ${actual}`
  return torchError('ERR_TORCH_INVALID_ARGUMENT', message, { operation })
}

/** The weight [K, D] and the bias [K] of the classifier on D features. */
async function linearClassifier({ module, config }: ModelParts, features: number): Promise<[Tensor, Tensor]> {
  const { classifier } = config.program
  if (classifier === undefined) throw unfit('a model that does not say which layer it is')
  const present = (await module.submodules()).includes(classifier)
  const state = present ? await (await module.submodule(classifier)).stateDict() : new Map<string, Tensor>()
  const [weight, bias] = [state.get('weight'), state.get('bias')]
  if (weight === undefined || bias === undefined) throw unfit(`one without weight and bias, ${classifier}`)
  if (weight.shape.length === 2 && weight.shape[1] === features) return [weight, bias]
  throw unfit(`weights ${describe(weight.shape)} beside ${features} channels`)
}

/** [N], int64: the class of each image. */
async function classesOf(logits: Tensor, classIndex: number | undefined): Promise<Tensor> {
  const [count = 0, classes = 0] = logits.shape
  if (classIndex === undefined) return operators.argmax(logits, { dim: 1 })
  if (classIndex < classes) return Tensor.from(new BigInt64Array(count).fill(BigInt(classIndex)))
  throw invalidArgument('classIndex', `an integer from 0 to ${classes - 1}`, classIndex, { operation })
}

/** explained: [N], what the maps say that the logits are. logits: [N, K], of which `column`, int64 [N, 1], are meant. */
async function requireAverage(explained: Tensor, logits: Tensor, column: Tensor): Promise<void> {
  const actual = await operators.squeeze(await operators.gather(logits, 1, column), 1)
  const misses = await operators.abs(await operators.sub(explained, actual))
  const extremes = await Promise.all([misses, await operators.abs(logits)].map((values) => operators.amax(values)))
  const [miss, largest] = await Promise.all(extremes.map(async (value) => (await value.data('float32'))[0] as number))
  // Written so that a NaN is refused.
  if (!((miss as number) <= tolerance * Math.max(1, largest as number))) throw unfit(`logits that are ${miss} from it`)
}

/**
 * Class activation maps (arXiv:1512.04150), one per image: the last feature map's channels, each as much as the
 * classifier's weight for the class. pixels: float32 [N, 3, H, W].
 */
export function classActivations(
  parts: ModelParts,
  pixels: Tensor,
  { classIndex, signal }: { classIndex: number | undefined; signal: AbortSignal | undefined },
): Promise<HeatMap[]> {
  return scope(async () => {
    const { inference, config } = parts
    const options = { gradMode: 'inference', signal } as const
    const [count = 0] = pixels.shape
    const output = await inference.call('forward_features', [pixels], options)
    const features = requireMaps(output, count, `feature maps [${count}, D, h, w]`, 'forward_features')
    const [, channels = 0, height = 0, width = 0] = features.shape
    const [weight, bias] = await linearClassifier(parts, channels)
    const answer = await inference.call('forward_head', [features, false], options)
    const logits = requireMatrix(answer, count, `logits [${count}, K]`, 'forward_head')
    const indices = await classesOf(logits, classIndex)

    const rows = await operators.indexSelect(weight, 0, indices) // [N, D]
    const maps = await operators.einsum('nd,ndhw->nhw', [rows, features])
    const means = await operators.mean(maps, { dim: [1, 2] })
    const column = await operators.unsqueeze(indices, 1)
    await requireAverage(await operators.add(means, await operators.indexSelect(bias, 0, indices)), logits, column)

    const chosen = await operators.gather(await operators.softmax(logits, 1), 1, column)
    const [values, classes, probabilities] = await Promise.all([
      maps.data('float32'),
      indices.data('int64'),
      chosen.data('float32'),
    ])
    const labels = labelsFor(config.labels, logits.shape[1] ?? 0)
    const size = height * width
    return Array.from({ length: count }, (_, i) => ({
      ...predictionOf(Number(classes[i]), probabilities[i] ?? Number.NaN, labels),
      height,
      width,
      values: values.slice(i * size, (i + 1) * size),
    }))
  })
}
