import { torchError } from '../core/errors.js'
import { architectures, hasPretrained } from '../models/index.js'

/** The best model whose weights lie on this machine. Rejects with ERR_TORCH_MODULE_LOAD, which says how to get some. */
export async function defaultModel(): Promise<string> {
  for (const name of ['resnet18', 'tf_efficientnet_lite0'] as const) if (await hasPretrained(name)) return name
  const { hub } = architectures.resnet18
  const message =
    `Expected the weights of ${hub} or of EfficientNet-Lite0 on this machine but found none: ` +
    `run 'npx node-libtorch pull ${hub} config.json model.safetensors' where there is a network, or name a model with --model`
  throw torchError('ERR_TORCH_MODULE_LOAD', message)
}
