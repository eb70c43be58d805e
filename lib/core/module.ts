import type { NativeScriptModule, NativeTensor } from '../../binding.js'
import { saveAtomically } from './atomic-file.js'
import type { DType } from './dtype.js'
import { invalidArgument, torchError } from './errors.js'
import { type ExecutionOptions, execute, executionOptionNames } from './execution.js'
import {
  type FreezeOptions,
  freezeOptions,
  type ModuleLoadOptions,
  type ModuleToOptions,
  moduleLoadOptions,
  moduleSource,
  moduleToOptions,
  type SaveOptions,
  type SourceOptions,
  saveOptions,
  sourceOptions,
  type WarmupOptions,
  warmupOptions,
} from './module-options.js'
import { native } from './native.js'
import { parseOptions, unknownOption } from './options.js'
import { adopt, markHandleClass } from './scope.js'
import { settle } from './settle.js'
import { Tensor, wrapTensor } from './tensor.js'
import { toNative, type Value } from './value.js'

export interface ModuleMethod {
  name: string
  /** As TorchScript prints it: `forward(__torch__.Net self, Tensor x) -> Tensor`. */
  schema: string
}

const named = (pairs: [string, NativeTensor][]) => new Map(pairs.map(([name, own]) => [name, wrapTensor(own)]))

function checkOptionNames(options: unknown, verb: string): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) throw invalidArgument('options', 'an object', options)
  for (const key in options) {
    if (!executionOptionNames.includes(key)) throw unknownOption(key, executionOptionNames, verb)
  }
}

/**
 * A TorchScript module: a program with weights. All its work runs in order on one submission thread, its lane; calls may
 * be made without waiting for earlier ones. Inputs and weights live until a call that uses them has ended, whatever is
 * disposed meanwhile.
 */
export class Module {
  readonly #native: NativeScriptModule

  private constructor(own: NativeScriptModule) {
    this.#native = own
    adopt(this)
  }

  static #wrap(own: NativeScriptModule): Module {
    return new Module(own)
  }

  /**
   * torch.jit.load: from a file (path or file: URL) or from bytes, which are copied at the time of the call. An archive is
   * a program: load only what you would run.
   *
   * Rejects with ERR_TORCH_MODULE_LOAD (no file, not an archive, damaged, or a SHA-256 other than the wanted one),
   * ERR_TORCH_DEVICE, ERR_TORCH_DTYPE, ERR_TORCH_OUT_OF_MEMORY.
   */
  static async load(source: string | URL | Uint8Array, options?: ModuleLoadOptions): Promise<Module> {
    const { device, dtype, lane, sha256, signal } = parseOptions(moduleLoadOptions, options, 'Module.load')
    const checked = await moduleSource(source, sha256, signal)
    return settle(
      {
        start: (cancellation) =>
          native().NativeScriptModule.load(checked, device, dtype, lane, cancellation && { cancellation }),
        convert: Module.#wrap,
        discard: (late) => late.dispose(),
      },
      signal,
    )
  }

  /**
   * A module made from TorchScript source alone: `def forward(self, x): return x + 1`. Arguments are Tensors unless they
   * are annotated. Rejects with ERR_TORCH_MODULE_LOAD.
   */
  static async fromSource(source: string, options?: SourceOptions): Promise<Module> {
    if (typeof source !== 'string') throw invalidArgument('source', 'TorchScript source text', source)
    const { lane } = parseOptions(sourceOptions, options, 'Module.fromSource')
    return Module.#wrap(await native().NativeScriptModule.fromSource(source, lane))
  }

  get device(): string {
    return this.#native.device
  }

  /** The submission thread of the device that runs this module. */
  get lane(): number {
    return this.#native.lane
  }

  /** Whether dropout and batch norm behave as in training, as of the calls that have run. */
  get training(): boolean {
    return this.#native.training
  }

  get disposed(): boolean {
    return this.#native.disposed
  }

  /** The methods that `call` knows. */
  methods(): ModuleMethod[] {
    return this.#native.methods()
  }

  /** Files that were stored beside the program, such as metadata: name to content. */
  extraFiles(): Record<string, string> {
    return this.#native.extraFiles()
  }

  /** `call('forward', inputs)`. */
  forward(...inputs: Value[]): Promise<Value> {
    return execute('module.forward', undefined, () => this.#native.call('forward', inputs.map(one)))
  }

  /**
   * Calls a method. Missing trailing arguments take their defaults. Gradients are off unless `gradMode` says otherwise.
   * Rejects with ERR_TORCH_INVALID_ARGUMENT (no such method, an argument of another type), ERR_TORCH_MODULE_RUN with
   * TorchScript's traceback in `details.trace`, ERR_TORCH_OUT_OF_MEMORY, ERR_TORCH_DISPOSED, or the signal's reason.
   */
  call(method: string, inputs: readonly Value[] = [], options?: ExecutionOptions): Promise<Value> {
    const start = () => {
      checkOptionNames(options, 'module.call')
      if (!Array.isArray(inputs)) throw invalidArgument('inputs', 'an array of arguments', inputs)
      const args = inputs.map(one)
      return execute('module.call', options, (context) => this.#native.call(method, args, context))
    }
    try {
      return start()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Trainable tensors by name, shared with the module. */
  parameters(): Promise<Map<string, Tensor>> {
    return settle({ start: () => this.#native.tensors('parameters'), convert: named }, undefined)
  }

  /** Other tensors of the module's state by name, such as running statistics; shared with the module. */
  buffers(): Promise<Map<string, Tensor>> {
    return settle({ start: () => this.#native.tensors('buffers'), convert: named }, undefined)
  }

  /** Dotted names of all submodules, in their order. */
  submodules(): Promise<string[]> {
    return settle({ start: () => this.#native.submodules(), convert: (names) => names }, undefined)
  }

  /** A submodule by its dotted name; shares its tensors and its lane. */
  submodule(name: string): Promise<Module> {
    return settle({ start: () => this.#native.submodule(name), convert: Module.#wrap }, undefined)
  }

  /** torch.nn.Module.train, behind the calls made before. */
  async train(on = true): Promise<void> {
    await this.#native.train(on)
  }

  /** `train(false)`. */
  eval(): Promise<void> {
    return this.train(false)
  }

  /**
   * torch.nn.Module.to: moves or converts in place, behind the calls made before. A dtype applies to floating point
   * tensors only; channelsLast to weights of 4 dimensions. Tensors that `parameters()` gave follow.
   */
  async to(options: ModuleToOptions): Promise<void> {
    const { device, dtype, channelsLast } = parseOptions(moduleToOptions, options, 'module.to')
    await this.#native.to(device, dtype, channelsLast)
  }

  /** Adds methods from TorchScript source, which may call the module's own. Rejects with ERR_TORCH_MODULE_LOAD. */
  async define(source: string): Promise<void> {
    await this.#native.define(source)
  }

  /**
   * torch.jit.freeze: a new module for inference only, in eval mode, with weights as constants and batch norms folded.
   * This one stays as it is.
   */
  async freeze(options?: FreezeOptions): Promise<Module> {
    const { preserve, channelsLast, optimize } = parseOptions(freezeOptions, options, 'module.freeze')
    return Module.#wrap(await this.#native.freeze(preserve, channelsLast, optimize))
  }

  /**
   * Runs a method on zeros of the given shapes, so that the first real call is as fast as later ones: TorchScript
   * specializes itself during its first calls of each shape.
   *
   * shapes: one per input.
   */
  async warmup(shapes: readonly (readonly number[])[], options?: WarmupOptions): Promise<void> {
    const { runs, dtype, method } = parseOptions(warmupOptions, options, 'module.warmup')
    if (!Array.isArray(shapes) || !shapes.every(Array.isArray)) {
      throw invalidArgument('shapes', 'an array with one shape per input', shapes, { operation: 'module.warmup' })
    }
    const inputs = await Promise.all(shapes.map((shape) => this.#zeros(shape, dtype)))
    try {
      for (let run = 0; run < runs; run++) disposeAll(await this.call(method, inputs, { gradMode: 'no-grad' }))
    } finally {
      disposeAll(inputs)
    }
  }

  async #zeros(shape: readonly number[], dtype: DType): Promise<Tensor> {
    const count = shape.reduce((product, size) => product * size, 1)
    const zeros = Tensor.from(new Float32Array(count), shape)
    const moved = await zeros.to({ device: this.device, dtype })
    zeros.dispose()
    return moved
  }

  /** The bytes of a TorchScript archive, which torch.jit.load of Python reads too. Rejects with ERR_TORCH_MODULE_SAVE. */
  async toBytes(options?: SaveOptions): Promise<Uint8Array> {
    const { extraFiles } = parseOptions(saveOptions, options, 'module.toBytes')
    return new Uint8Array(await this.#native.save(extraFiles))
  }

  /**
   * Writes a TorchScript archive. The file is complete or not there: it gets its name when all bytes are on disk.
   * Rejects with ERR_TORCH_MODULE_SAVE.
   */
  async save(path: string | URL, options?: SaveOptions): Promise<void> {
    const bytes = await this.toBytes(options)
    try {
      await saveAtomically(path, bytes)
    } catch (cause) {
      const message = `Expected a place to write for module.save but ${String(path)} is none: ${(cause as Error).message}`
      throw torchError('ERR_TORCH_MODULE_SAVE', message, { operation: 'module.save', cause })
    }
  }

  /** Frees the weights unless calls in flight, submodules or tensors still use them. A second call does nothing. */
  dispose(): void {
    this.#native.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

const one = (value: Value) => toNative(value)

function disposeAll(value: Value): void {
  if (value instanceof Tensor) value.dispose()
  else if (Array.isArray(value)) value.forEach(disposeAll)
  else if (value instanceof Map) value.forEach(disposeAll)
}

markHandleClass(Module)
