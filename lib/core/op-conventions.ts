/**
 * Where the public operators differ from ATen's schemas: names, hidden arguments, defaults that only Python's wrappers
 * state, and numbers that stand for words. Keys are ATen's own names.
 */

/** Operators whose camelCase ATen name would not be the name that users of PyTorch know. */
const publicOperatorNames: Readonly<Record<string, string>> = {
  _unique2: 'unique',
  _upsample_bicubic2d_aa: 'upsampleBicubic2dAntialias',
  _upsample_bilinear2d_aa: 'upsampleBilinear2dAntialias',
  _upsample_nearest_exact1d: 'upsampleNearestExact1d',
  _upsample_nearest_exact2d: 'upsampleNearestExact2d',
  _upsample_nearest_exact3d: 'upsampleNearestExact3d',
  cross_entropy_loss: 'crossEntropy',
  grid_sampler: 'gridSample',
  linalg_vector_norm: 'norm',
  nll_loss_nd: 'nllLoss',
}

const camelCase = (name: string) =>
  name.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

/** `log_softmax` -> `logSoftmax`; the trailing underscore of an in-place operator stays. */
export function publicOperatorName(name: string): string {
  return publicOperatorNames[name] ?? camelCase(name)
}

/** `ignore_index` -> `ignoreIndex`; `self` is called `input`, as PyTorch's documentation does. */
export function publicArgumentName(name: string): string {
  return name === 'self' ? 'input' : camelCase(name)
}

/** Arguments that keep their default: layouts other than strided do not exist here, cuDNN is a process-wide setting. */
export const hiddenArguments: ReadonlySet<string> = new Set(['layout', 'implicit', 'cudnn_enable', 'cudnn_enabled'])

type Default = number | boolean | string | null

const upsample = { output_size: null, scale_factors: null }
const upsampleLinear = { ...upsample, align_corners: false }
const allDims = { dim: null }
const generator = { generator: null }

/** Defaults of torch.* and torch.nn.functional.* that the schemas leave out; by `name` or `name.overload`. */
export const pythonDefaults: Readonly<Record<string, Readonly<Record<string, Default>>>> = {
  'sum.dim_IntList': allDims,
  'mean.dim': allDims,
  'rand.generator': generator,
  'randn.generator': generator,
  'rand_like.generator': generator,
  'randn_like.generator': generator,
  'randint.generator': generator,
  'randint.low_generator': generator,
  'randperm.generator': generator,
  'meshgrid.indexing': { indexing: 'ij' },
  batch_norm: {
    weight: null,
    bias: null,
    running_mean: null,
    running_var: null,
    training: false,
    momentum: 0.1,
    eps: 1e-5,
    cudnn_enabled: true,
  },
  dropout: { p: 0.5, train: true },
  grid_sampler: { interpolation_mode: 'bilinear', padding_mode: 'zeros', align_corners: false },
  'upsample_nearest1d.vec': upsample,
  'upsample_nearest2d.vec': upsample,
  'upsample_nearest3d.vec': upsample,
  '_upsample_nearest_exact1d.vec': upsample,
  '_upsample_nearest_exact2d.vec': upsample,
  '_upsample_nearest_exact3d.vec': upsample,
  'upsample_linear1d.vec': upsampleLinear,
  'upsample_bilinear2d.vec': upsampleLinear,
  'upsample_bicubic2d.vec': upsampleLinear,
  'upsample_trilinear3d.vec': upsampleLinear,
  '_upsample_bilinear2d_aa.vec': upsampleLinear,
  '_upsample_bicubic2d_aa.vec': upsampleLinear,
}

/** Words that an argument takes, by argument name. An `int` argument receives the word's index in the list. */
export const argumentWords: Readonly<Record<string, readonly string[]>> = {
  approximate: ['none', 'tanh'],
  compute_mode: ['use_mm_for_euclid_dist_if_necessary', 'use_mm_for_euclid_dist', 'donot_use_mm_for_euclid_dist'],
  indexing: ['ij', 'xy'],
  interpolation: ['linear', 'lower', 'higher', 'midpoint', 'nearest'],
  interpolation_mode: ['bilinear', 'nearest', 'bicubic'],
  mode: ['constant', 'reflect', 'replicate', 'circular'],
  padding_mode: ['zeros', 'border', 'reflection'],
  reduction: ['none', 'mean', 'sum'],
  rounding_mode: ['trunc', 'floor'],
  side: ['left', 'right'],
}
