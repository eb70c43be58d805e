import { isDeepStrictEqual } from 'node:util'
import { describe } from '../core/describe.js'
import { torchError } from '../core/errors.js'
import type { ArchitectureName } from './registry.js'

type Json = Readonly<Record<string, unknown>>
/** By the name of an argument, the values that give the program of this package; a null of timm's too. */
type BuiltArgs = Readonly<Record<string, readonly unknown[]>>

/** What timm.models.resnet.ResNet takes beside ModelArgs, in timm 1.0.31. */
const resnet: BuiltArgs = {
  cardinality: [1],
  base_width: [64],
  stem_width: [64],
  stem_type: [''],
  replace_stem_pool: [false],
  block_reduce_first: [1],
  down_kernel_size: [1],
  avg_down: [false],
  channels: [[64, 128, 256, 512]],
  act_layer: ['relu'],
  norm_layer: ['batchnorm2d', 'batchnorm'],
  aa_layer: [],
  drop_path_rate: [0],
  drop_block_rate: [0],
  zero_init_last: [true, false], // of weights that are replaced
  block_args: [{}],
  features_only: [false],
}

/** An architecture without a row is known to be built with nothing: whatever is asked of it is refused. */
const built: Partial<Record<ArchitectureName, BuiltArgs>> = {
  resnet18: { ...resnet, layers: [[2, 2, 2, 2]] },
  resnet34: { ...resnet, layers: [[3, 4, 6, 3]] },
  resnet50: { ...resnet, layers: [[3, 4, 6, 3]] },
  // timm.models.efficientnet.EfficientNet, as tf_efficientnet_lite0 calls it.
  tf_efficientnet_lite0: {
    stem_kernel_size: [3],
    pad_type: ['same'],
    act_layer: ['relu6'],
    norm_layer: [],
    aa_layer: [],
    se_layer: [],
    bn_eps: [1e-3],
    bn_momentum: [0.1],
    drop_path_rate: [0],
    features_only: [false],
  },
}

/** What `load` changes in a program: see ModelArgs. */
const changeable: ReadonlySet<string> = new Set([
  'num_classes',
  'global_pool',
  'in_chans',
  'drop_rate',
  'output_stride',
])

/**
 * Throws ERR_TORCH_FILE_FORMAT where the model_args of a configuration ask timm for another program than the one that
 * this package has of the architecture: its weights may fit, and its numbers would be others.
 */
export function requireBuiltArgs(modelArgs: Json, architecture: ArchitectureName, place: string): void {
  const known = built[architecture] ?? {}
  for (const [name, value] of Object.entries(modelArgs)) {
    if (changeable.has(name) || value === null) continue
    const values = Object.hasOwn(known, name) ? (known[name] ?? []) : []
    if (values.some((each) => isDeepStrictEqual(each, value))) continue
    const expected =
      values.length === 0
        ? 'nothing, because the program is not known to be built with it,'
        : `${values.map(describe).join(' or ')}, which the program was built with,`
    const message = `Expected ${expected} for model_args.${name} in ${place} but received ${describe(value)}`
    throw torchError('ERR_TORCH_FILE_FORMAT', message)
  }
}
