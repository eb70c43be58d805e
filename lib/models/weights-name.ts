import { torchError } from '../core/errors.js'
import { staysBelow } from '../core/file-path.js'

export const defaultWeights = 'model.safetensors'

/** Where the weights are in several files: the name of what says in which. */
export const indexName = (weights: string): string => `${weights}.index.json`

/** Of the weights in one file, or of such an index. */
export const isWeightsName = (name: string): boolean => /\.safetensors(\.index\.json)?$/.test(name)

const known: ReadonlyMap<string, string> = new Map([
  ['pytorch_model.bin', defaultWeights],
  ['open_clip_pytorch_model.bin', 'open_clip_model.safetensors'],
])

/**
 * The file of a repository that holds the weights, as timm's load_state_dict_from_hf finds it: what hf_hub_filename names,
 * or in place of a pickle the safetensors file beside it. Throws ERR_TORCH_FILE_FORMAT for what can only be a pickle.
 */
export function weightsName(hubFilename: unknown, place: string): string {
  if (hubFilename === undefined || hubFilename === null || hubFilename === '') return defaultWeights
  const name = typeof hubFilename === 'string' && staysBelow(hubFilename) ? hubFilename : ''
  const file = known.get(name) ?? name.replace(/\.bin$/, '.safetensors')
  if (file.endsWith('.safetensors')) return file
  const message = `Expected the name of a safetensors file for hf_hub_filename in ${place} but received ${JSON.stringify(hubFilename)}`
  throw torchError('ERR_TORCH_FILE_FORMAT', message)
}
