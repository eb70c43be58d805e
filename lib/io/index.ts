export { batch, type ImageBatch } from './batch.js'
export { type DecodeImageOptions, decodeImage } from './decode-image.js'
export { hub } from './hub.js'
export { findInHubCache, type HubCacheOptions } from './hub-cache.js'
export type { HubFileOptions, HubSnapshotOptions } from './hub-options.js'
export type { HubProgress } from './hub-progress.js'
export type { HubRepositoryType } from './hub-repository.js'
export type { DecodeOptions } from './image.js'
export type { ImageInput, ImageProblem, RawImage } from './image-input.js'
export type { InspectedFile } from './inspected-file.js'
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
export type { SafetensorsHeader, StoredTensor } from './safetensors-header.js'
export { type InspectOptions, inspectSafetensors } from './safetensors-inspect.js'
export { type WriteSafetensorsOptions, writeSafetensors } from './safetensors-write.js'
