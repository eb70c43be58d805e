import type { TorchError } from '../core/errors.js'
import { invalidArgument } from '../core/errors.js'
import { placeOf } from '../io/named-bytes.js'
import type { TensorRow } from '../io/safetensors-rows.js'
import { type AnySelection, selectedNodes } from './feature-selection.js'
import type { ImageClassifier } from './image-classifier.js'
import type { ImageModel } from './image-model.js'
import type { ImagesOptions } from './over-images.js'

/** One image's features by name, each [...] without the dimension of the batch; or why there are none. */
export type FeatureRow =
  | { image: string; features: ReadonlyMap<string, TensorRow>; error?: undefined }
  | { image: string; features?: undefined; error: TorchError }

/** A path, or the bytes of an image that has none. */
type NamedByPath = string | Uint8Array

/** What the row of an image is called: its path, or where its bytes were read; '-' is standard input. */
export const nameOfImage = (image: unknown): string => (typeof image === 'string' ? image : (placeOf(image) ?? '-'))

/** `embeddings`, float32 [D], of each file: a stream of `model.embed`, which says what it rejects with. */
export async function* embeddingRows(
  model: ImageClassifier,
  files: AsyncIterable<NamedByPath>,
  options: ImagesOptions,
): AsyncGenerator<FeatureRow> {
  for await (const { image, embedding, error } of model.embed(files, options)) {
    const file = nameOfImage(image)
    if (error !== undefined) yield { image: file, error }
    else yield { image: file, features: new Map([['embeddings', { shape: [embedding.length], values: embedding }]]) }
  }
}

function differentNodes(nodes: readonly string[]): readonly string[] {
  const twice = nodes.find((node, i) => nodes.indexOf(node) !== i)
  if (twice === undefined) return nodes
  throw invalidArgument('the layers', 'each only once', twice, { operation: 'features' })
}

/**
 * What the layers give of each file, float32 [C, h, w], by the layers' names: a stream of `model.features`. Rejects as
 * that, with ERR_TORCH_INVALID_ARGUMENT for a layer that is asked for twice, and with ERR_TORCH_DTYPE for one that gives
 * other numbers.
 */
export async function* mapRows(
  model: ImageModel,
  files: AsyncIterable<NamedByPath>,
  { nodes, indices, ...options }: AnySelection & ImagesOptions,
): AsyncGenerator<FeatureRow> {
  const names = differentNodes(selectedNodes({ nodes, indices }, model.featureInfo, 'features'))
  const selection = nodes === undefined ? { indices } : { nodes }
  for await (const { image, features, error } of model.features(files, { ...selection, ...options })) {
    const file = nameOfImage(image)
    if (error !== undefined) {
      yield { image: file, error }
      continue
    }
    try {
      const read = async (tensor: (typeof features)[number]) => ({
        shape: tensor.shape,
        values: await tensor.data('float32'),
      })
      const rows = await Promise.all(features.map(read))
      yield { image: file, features: new Map(names.map((name, i) => [name, rows[i] as TensorRow])) }
    } finally {
      for (const tensor of features) tensor.dispose()
    }
  }
}
