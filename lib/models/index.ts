export type { ModelPreprocessConfig } from '../io/preprocess-config.js'
export type { HeatMap } from './class-activation.js'
export type { CustomHead, WithHeadOptions } from './custom-head.js'
export type { FeatureSelection, FeaturesOptions } from './feature-selection.js'
export type { LoadControl, LoadHubOptions } from './hub-files.js'
export {
  type Classified,
  type ClassifyOptions,
  type Embedded,
  type HeatMapOptions,
  type HeatMapped,
  ImageClassifier,
  type ImageClassifierOptions,
} from './image-classifier.js'
export { type Featured, type FreezeModelOptions, ImageModel } from './image-model.js'
export { imagenetLabels, type Label } from './labels.js'
export { type Manifest, manifestOf, type TensorSpec } from './manifest.js'
export type { GlobalPool, ModelArgs } from './model-args.js'
export type { NamePattern } from './name-patterns.js'
export { hasPretrained, type ModelSource } from './open-model.js'
export type { ImageStream, ImagesOptions } from './over-images.js'
export type { ParameterGroup, ParameterGroupsOptions } from './parameter-groups.js'
export type { Prediction } from './prediction.js'
export type { PretrainedConfig } from './pretrained-config.js'
export type { FeatureInfo } from './program-info.js'
export { type ArchitectureName, architectures } from './registry.js'
export {
  type ForwardHeadOptions,
  type ForwardIntermediatesOptions,
  type ResetClassifierOptions,
  ResNet,
  type ResNetName,
  type ResNetOptions,
  type ResNetSource,
} from './resnet.js'
