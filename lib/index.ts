export { devices, type Memory, memory, queueDepths } from './core/device.js'
export type { DataOf, DType, TensorDType, TypedArray } from './core/dtype.js'
export { type ErrorCode, LibtorchError, OutOfMemoryError, TorchError } from './core/errors.js'
export type { ExecutionOptions } from './core/execution.js'
export { Generator, type Seed, seed } from './core/generator.js'
export type { InterpolateOptions } from './core/interpolate.js'
export { type BootOptions, type FoundLibtorch, type LibtorchInfo, libtorch } from './core/libtorch.js'
export { Module, type ModuleChanges, type ModuleMethod } from './core/module.js'
export type {
  FreezeOptions,
  LoadStateDictOptions,
  ModuleLoadOptions,
  ModuleToOptions,
  SaveOptions,
  SourceOptions,
  TrainableOptions,
  WarmupOptions,
} from './core/module-options.js'
export { type Ops, ops } from './core/ops.js'
export type { SignalOptions } from './core/options.js'
export { type Handle, keep, scope } from './core/scope.js'
export { Tensor, type TensorFromOptions, type TensorToOptions } from './core/tensor.js'
export type { TensorData } from './core/tensor-data.js'
export type { NestedArray } from './core/tensor-elements.js'
export type { Value } from './core/value.js'
