export { batch, type ImageBatch } from './batch.js'
export { type DecodeImageOptions, decodeImage } from './decode-image.js'
export { findInHubCache, type HubCacheOptions } from './hub-cache.js'
export type { DecodeOptions } from './image.js'
export type { ImageInput, ImageProblem, RawImage } from './image-input.js'
export { preprocess } from './preprocess.js'
export type {
  BatchOptions,
  ChannelValues,
  Interpolation,
  PreprocessConfig,
  PreprocessOptions,
} from './preprocess-config.js'
export {
  Safetensors,
  type SafetensorsOpenOptions,
  type SafetensorsReadOptions,
  type StoredTensorInfo,
} from './safetensors.js'
export { type WriteSafetensorsOptions, writeSafetensors } from './safetensors-write.js'
