import type { DType } from '../core/dtype.js'
import { invalidArgument } from '../core/errors.js'
import { operators } from '../core/operators.js'
import { scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'

/**
 * timm's adapt_input_conv: a first convolution [O, C, h, w] for another number of channels. One channel gets the sum of
 * all; others get them in turn, scaled by C / channels, so that activations keep their size. Only C = 3 can be repeated:
 * throws ERR_TORCH_INVALID_ARGUMENT.
 */
export function adaptInputConv(weight: Tensor, channels: number): Promise<Tensor> {
  return scope(async () => {
    const [, own = 0] = weight.shape
    if (own !== 3 && channels !== 1) throw invalidArgument('inChans', `1 or ${own}, that of the weights`, channels)
    const exact = await weight.to({ dtype: 'float32' })
    const dtype = weight.dtype as DType
    if (channels === 1) return (await operators.sum(exact, { dim: 1, keepdim: true })).to({ dtype })
    const repeated = await operators.repeat(exact, [1, Math.ceil(channels / own), 1, 1])
    const first = await operators.narrow(repeated, 1, 0, channels)
    return (await operators.mul(first, own / channels)).to({ dtype })
  })
}
