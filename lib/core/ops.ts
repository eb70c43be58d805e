import { type InterpolateOptions, interpolate } from './interpolate.js'
import { operators } from './operators.js'
import type { Operators } from './ops.generated.js'
import type { Tensor } from './tensor.js'

export interface Ops extends Operators {
  /**
   * Resizes the spatial dimensions as `torch.nn.functional.interpolate` does.
   * input: float or uint8 [N, C, spatial...] with 1 to 3 spatial dimensions. Throws ERR_TORCH_INVALID_ARGUMENT,
   * ERR_TORCH_UNKNOWN_OPTION and what the operator itself rejects with.
   */
  interpolate(input: Tensor, options: InterpolateOptions): Promise<Tensor>
}

/**
 * PyTorch's operators, each an async function: required arguments first, then one object with the options.
 *
 *     await ops.softmax(x, -1)
 *     const { values, indices } = await ops.topk(x, 5, { dim: -1 })
 *     await ops.conv2d(x, weight, { bias, stride: [2, 2], signal })
 *
 * A whole number is an integer to an operator that infers its dtype from it, as in Python: `ops.full([2], 1)` is int64,
 * `ops.full([2], 1, { dtype: 'float32' })` is not. What fails fails by rejection: ERR_TORCH_INVALID_ARGUMENT (no overload
 * takes the arguments), ERR_TORCH_UNKNOWN_OPTION, ERR_TORCH_OPERATOR (libtorch refuses them, or lacks the operator),
 * ERR_TORCH_DTYPE, ERR_TORCH_DEVICE, ERR_TORCH_DISPOSED and ERR_TORCH_OUT_OF_MEMORY.
 */
export const ops: Ops = Object.freeze({ ...operators, interpolate })
