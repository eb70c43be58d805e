import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { torchError } from '../core/errors.js'
import { cacheFolder } from '../core/libtorch-find.js'
import { architectures, hasPretrained } from '../models/index.js'

/** The best model whose weights lie on this machine. Rejects with ERR_TORCH_MODULE_LOAD, which says how to get some. */
export async function defaultModel(): Promise<string> {
  const { hub } = architectures.resnet18
  if (await hasPretrained('resnet18')) return hub
  const folder = join(cacheFolder(), 'models', 'tf_efficientnet_lite0')
  if (existsSync(join(folder, 'model.safetensors'))) return folder
  const message =
    `Expected the weights of ${hub} in the hub's cache, or of EfficientNet-Lite0 in ${folder}, but found none: ` +
    `run 'hf download ${hub} config.json model.safetensors' where there is a network, or name a model with --model`
  throw torchError('ERR_TORCH_MODULE_LOAD', message)
}
