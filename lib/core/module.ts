import { inspect } from 'node:util'
import type { NativeContext, NativeScriptModule } from '../../binding.js'
import { throwIfAborted } from './abort.js'
import { arrived } from './arrivals.js'
import { checkedArchive, copyOf } from './checked-archive.js'
import { invalidArgument, nameOperation, torchError } from './errors.js'
import { type ExecutionOptions, execute } from './execution.js'
import { requireFilePath } from './file-path.js'
import { type ChangesOf, readChanges } from './module-changes.js'
import { formatModule } from './module-format.js'
import { checkOptionNames, moduleSource, restArguments, stateEntries, toArguments } from './module-inputs.js'
import {
  type FreezeOptions,
  freezeOptions,
  type LoadStateDictOptions,
  layersArgument,
  loadStateDictOptions,
  type ModuleLoadOptions,
  type ModuleToOptions,
  moduleLoadOptions,
  moduleToOptions,
  type SaveOptions,
  type SourceOptions,
  saveOptions,
  sourceOptions,
  type TrainableOptions,
  trainableOptions,
  type WarmupOptions,
  warmupOptions,
} from './module-options.js'
import { saveModule } from './module-save.js'
import { warmUp } from './module-warmup.js'
import { inStateOrder, namedTensors } from './named-tensors.js'
import { native } from './native.js'
import { parseOptions, type SignalOptions, signalOf } from './options.js'
import { adopt, type Handle, type handleBrand, markHandleClass } from './scope.js'
import { settle, settleAsIs } from './settle.js'
import { nativeTensor, type Tensor } from './tensor.js'
import { fromNative, type Value } from './value.js'

export interface ModuleMethod {
  name: string
  /** As TorchScript prints it: `forward(__torch__.Net self, Tensor x) -> Tensor`. */
  schema: string
}

/** What a derived module has that its base has not, or has in another way; `module.derive` takes it. */
export type ModuleChanges = ChangesOf<Module>

type Context = NativeContext | undefined

/** The native module behind a public one; throws ERR_TORCH_INVALID_ARGUMENT for anything else. */
let nativeModule: (module: Module) => NativeScriptModule

// TypeScript's `private` keeps nobody from `new Module(...)` at run time.
const fromHere = Symbol('Module')

/**
 * A TorchScript module: a program with weights. All its work runs in order on one submission thread, its lane; calls may
 * be made without waiting for earlier ones. Inputs and weights live until a call that uses them has ended, whatever is
 * disposed meanwhile.
 */
export class Module implements Handle {
  declare readonly [handleBrand]: true
  readonly #native: NativeScriptModule

  static {
    nativeModule = (module) => {
      if (typeof module === 'object' && module !== null && #native in module) return module.#native
      throw invalidArgument('module', 'a Module', module)
    }
  }

  private constructor(own: NativeScriptModule, origin: typeof fromHere) {
    if (origin !== fromHere) {
      const message = 'Expected Module.load or Module.fromSource to make the module but received a call of new Module'
      throw torchError('ERR_TORCH_INVALID_ARGUMENT', message)
    }
    this.#native = own
    adopt(this)
  }

  /** How a module comes back. */
  static readonly #result = {
    convert: (own: NativeScriptModule) => new Module(own, fromHere),
    discard: (late: NativeScriptModule) => late.dispose(),
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
    const archive = moduleSource(source)
    return settle(
      'Module.load',
      {
        start: async (context) => {
          let program = typeof archive === 'string' ? archive : copyOf(archive)
          if (sha256 !== undefined) program = await checkedArchive(program, sha256, () => throwIfAborted(signal))
          return arrived(native().NativeScriptModule.load(program, device, dtype, lane, context))
        },
        ...Module.#result,
      },
      signal,
    )
  }

  /**
   * A module made from TorchScript source alone: `def forward(self, x): return x + 1`. Arguments are Tensors unless they
   * are annotated. `derive` adds weights and submodules to one. Rejects with ERR_TORCH_MODULE_LOAD.
   */
  static async fromSource(source: string, options?: SourceOptions): Promise<Module> {
    const operation = 'Module.fromSource'
    const { lane, signal } = parseOptions(sourceOptions, options, operation)
    const start = async () => {
      if (typeof source !== 'string') throw invalidArgument('source', 'TorchScript source text', source)
      return requireMethods(await arrived(native().NativeScriptModule.fromSource(source, lane)))
    }
    return settle(operation, { start, ...Module.#result }, signal)
  }

  get device(): string {
    return nativeModule(this).device
  }

  /** The submission thread of the device that runs this module. */
  get lane(): number {
    return nativeModule(this).lane
  }

  /** Whether dropout and batch norm behave as in training, as of the calls that have run. */
  get training(): boolean {
    return nativeModule(this).training
  }

  get disposed(): boolean {
    return nativeModule(this).disposed
  }

  /** The methods that `call` knows. */
  methods(): ModuleMethod[] {
    return nativeModule(this).methods()
  }

  /** Text files that were stored beside the program, such as metadata: name to content, read as UTF-8. */
  extraFiles(): Record<string, string> {
    return nativeModule(this).extraFiles()
  }

  /**
   * `call('forward', inputs)`. R is what the caller knows of the result, `forward<Tensor>(x)`, and is not checked; nothing
   * else, such as the type of a variable, says it.
   */
  forward(...inputs: Value[]): Promise<Value>
  forward<R extends Value>(...inputs: Value[]): Promise<R>
  forward(...inputs: Value[]): Promise<Value> {
    const start = () => nativeModule(this).call('forward', undefined, ...restArguments(inputs))
    return settle('module.forward', { start, convert: fromNative })
  }

  /**
   * Calls a method. Missing trailing arguments take their defaults. Gradients are off unless `gradMode` says otherwise.
   * Rejects with ERR_TORCH_INVALID_ARGUMENT (no such method, an argument of another type), ERR_TORCH_MODULE_RUN with
   * TorchScript's traceback in `details.trace`, ERR_TORCH_OUT_OF_MEMORY, ERR_TORCH_DISPOSED, or the signal's reason. R as in
   * `forward`.
   */
  call(method: string, inputs?: readonly Value[], options?: ExecutionOptions): Promise<Value>
  call<R extends Value>(method: string, inputs?: readonly Value[], options?: ExecutionOptions): Promise<R>
  call(method: string, inputs: readonly Value[] = [], options?: ExecutionOptions): Promise<Value> {
    try {
      const own = nativeModule(this)
      checkOptionNames(options, 'module.call')
      const args = toArguments(inputs)
      return execute('module.call', options, (context) => own.call(method, context, ...args))
    } catch (error) {
      nameOperation(error, 'module.call')
      return Promise.reject(error)
    }
  }

  /**
   * What submodules by name give while forward runs on the inputs: a tensor each, before anything changes them in place. It
   * ends with the last of them. The module stays as it is; how it is done is remembered for the latest lists of names.
   * Rejects with ERR_TORCH_INVALID_ARGUMENT for a name that forward does not always run, or that gives no tensor, and as
   * `call`.
   */
  async callLayers(
    layers: readonly string[],
    inputs: readonly Value[] = [],
    options?: ExecutionOptions,
  ): Promise<Tensor[]> {
    const operation = 'module.callLayers'
    const names = parseOptions(layersArgument, { layers }, operation).layers
    checkOptionNames(options, operation)
    const start = (context: Context) => nativeModule(this).callLayers(names, context, ...toArguments(inputs))
    return execute(operation, options, start) as Promise<Tensor[]>
  }

  /** Trainable tensors by name, shared with the module. */
  async parameters(options?: SignalOptions): Promise<Map<string, Tensor>> {
    const operation = 'module.parameters'
    const start = (context: Context) => nativeModule(this).tensors('parameters', context)
    return settle(operation, { start, ...namedTensors }, signalOf(options, operation))
  }

  /** Other tensors of the module's state by name, such as running statistics; shared with the module. */
  async buffers(options?: SignalOptions): Promise<Map<string, Tensor>> {
    const operation = 'module.buffers'
    const start = (context: Context) => nativeModule(this).tensors('buffers', context)
    return settle(operation, { start, ...namedTensors }, signalOf(options, operation))
  }

  /** torch.nn.Module.state_dict: parameters and buffers by name, in PyTorch's order; shared with the module. */
  async stateDict(options?: SignalOptions): Promise<Map<string, Tensor>> {
    const operation = 'module.stateDict'
    const start = async (context: Context) => {
      const own = nativeModule(this)
      const calls = [arrived(own.submodules()), arrived(own.tensors('state', context))] as const
      const [submodules, pairs] = await Promise.all(calls)
      return inStateOrder(pairs, submodules)
    }
    return settle(operation, { start, ...namedTensors }, signalOf(options, operation))
  }

  /**
   * torch.nn.Module.load_state_dict with assign=True: the module shares the given tensors from here on. Nothing changes
   * where a tensor does not fit: ERR_TORCH_STATE_DICT, whose details list all names that are missing, unexpected, or (as
   * `different`) of another shape or type; the message has the first of each. A norm without its num_batches_tracked
   * keeps its own, as in PyTorch: old states have none.
   */
  async loadStateDict(
    tensors: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
    options?: LoadStateDictOptions,
  ): Promise<void> {
    const operation = 'module.loadStateDict'
    const { strict, anyShape, signal } = parseOptions(loadStateDictOptions, options, operation)
    const start = (context: Context) => {
      const own = nativeModule(this)
      const entries = stateEntries(tensors)
      const names = entries.map(([name]) => name)
      return own.assign(
        names,
        entries.map(([, tensor]) => nativeTensor(tensor)),
        strict,
        anyShape,
        context,
      )
    }
    return settleAsIs(operation, start, signal)
  }

  /** Dotted names of all submodules, in their order. */
  submodules(): Promise<string[]> {
    return settleAsIs('module.submodules', () => nativeModule(this).submodules())
  }

  /** A submodule by its dotted name; shares its tensors and its lane. */
  submodule(name: string): Promise<Module> {
    return settle('module.submodule', { start: () => nativeModule(this).submodule(name), ...Module.#result })
  }

  /** torch.nn.Module.train, behind the calls made before. */
  train(on = true): Promise<void> {
    return settleAsIs('module.train', () => nativeModule(this).train(on))
  }

  /** `train(false)`. */
  eval(): Promise<void> {
    return settleAsIs('module.eval', () => nativeModule(this).train(false))
  }

  /**
   * torch.nn.Module.to: moves or converts in place, behind the calls made before. A dtype applies to floating point
   * tensors only; channelsLast to weights of 4 dimensions. Tensors that `parameters()` gave follow. A signal that fires
   * once the call has been made ends the waiting, not the conversion.
   */
  async to(options: ModuleToOptions): Promise<void> {
    const { device, dtype, channelsLast, signal } = parseOptions(moduleToOptions, options, 'module.to')
    return settleAsIs('module.to', (context) => nativeModule(this).to(device, dtype, channelsLast, context), signal)
  }

  /** Adds methods from TorchScript source, which may call the module's own. Rejects with ERR_TORCH_MODULE_LOAD. */
  async define(source: string, options?: SignalOptions): Promise<void> {
    const signal = signalOf(options, 'module.define')
    return settleAsIs('module.define', (context) => nativeModule(this).define(source, context), signal)
  }

  /**
   * Adds a method that takes what forward takes and gives what `callLayers` gives. Rejects with ERR_TORCH_INVALID_ARGUMENT
   * as that.
   */
  async defineLayerOutputs(method: string, layers: readonly string[], options?: SignalOptions): Promise<void> {
    const operation = 'module.defineLayerOutputs'
    const signal = signalOf(options, operation)
    const names = parseOptions(layersArgument, { layers }, operation).layers
    return settleAsIs(operation, (context) => nativeModule(this).defineLayerOutputs(method, names, context), signal)
  }

  /**
   * A new module that shares this one's tensors but for the changes, with its own mode, methods and `requiresGrad`. Given
   * submodules come in this one's mode, but for what `setTrainable` keeps in evaluation mode. Methods that use what is
   * removed or replaced are left out. Rejects with ERR_TORCH_MODULE_LOAD, ERR_TORCH_INVALID_ARGUMENT.
   */
  async derive(changes?: ModuleChanges): Promise<Module> {
    const operation = 'module.derive'
    const own = nativeModule(this)
    const read = readChanges(changes, operation, nativeModule)
    return settle(operation, { start: (context) => own.derive(read.changes, context), ...Module.#result }, read.signal)
  }

  /**
   * Whether the named parameters get gradients. The named submodules, such as batch norms, stay in evaluation mode
   * whatever `train` says (false), or follow it again (true). Tensors that `parameters()` gave show it.
   */
  async setTrainable(on: boolean, options: TrainableOptions): Promise<void> {
    const operation = 'module.setTrainable'
    const { parameters, submodules, signal } = parseOptions(trainableOptions, options, operation)
    return settleAsIs(
      operation,
      (context) => nativeModule(this).setTrainable(parameters, submodules, on, context),
      signal,
    )
  }

  /**
   * torch.jit.freeze: a new module for inference only, in eval mode, with weights as constants and batch norms folded.
   * This one stays as it is.
   */
  async freeze(options?: FreezeOptions): Promise<Module> {
    const { preserve, channelsLast, optimize, signal } = parseOptions(freezeOptions, options, 'module.freeze')
    const start = (context: Context) => nativeModule(this).freeze(preserve, channelsLast, optimize, context)
    return settle('module.freeze', { start, ...Module.#result }, signal)
  }

  /**
   * Runs a method on zeros of the given shapes, so that the first real call is as fast as later ones: TorchScript
   * specializes itself during its first calls of each shape.
   *
   * shapes: one per input. Rejects as `call` does.
   */
  async warmup(shapes: readonly (readonly number[])[], options?: WarmupOptions): Promise<void> {
    const operation = 'module.warmup'
    const { method, ...parsed } = parseOptions(warmupOptions, options, operation)
    const call = (inputs: Tensor[]) => this.call(method, inputs, { gradMode: 'no-grad', signal: parsed.signal })
    const start = () => warmUp(call, shapes, { ...parsed, device: nativeModule(this).device })
    return settleAsIs(operation, start, parsed.signal)
  }

  /** The bytes of a TorchScript archive, which torch.jit.load of Python reads too. Rejects with ERR_TORCH_MODULE_SAVE. */
  async toBytes(options?: SaveOptions): Promise<Uint8Array> {
    const { extraFiles, signal } = parseOptions(saveOptions, options, 'module.toBytes')
    const start = (context: Context) => nativeModule(this).save(extraFiles, context)
    return settle('module.toBytes', { start, convert: (buffer) => new Uint8Array(buffer) }, signal)
  }

  /**
   * Writes a TorchScript archive. The file is complete or not there: it gets its name when all bytes are on disk.
   * Rejects with ERR_TORCH_MODULE_SAVE, or the signal's reason; a file that has its name by then stays.
   */
  async save(path: string | URL, options?: SaveOptions): Promise<void> {
    const operation = 'module.save'
    const target = requireFilePath(path, operation)
    const parsed = parseOptions(saveOptions, options, operation)
    return settleAsIs(operation, (context) => saveModule(nativeModule(this), target, parsed, context), parsed.signal)
  }

  /** Frees the weights unless calls in flight, submodules or tensors still use them. A second call does nothing. */
  dispose(): void {
    nativeModule(this).dispose()
  }

  [Symbol.dispose](): void {
    nativeModule(this).dispose()
  }

  [inspect.custom](): string {
    if (!(#native in this)) return 'Module {}' // the prototype, say
    return formatModule(this)
  }
}

/** Text of nothing but comments compiles to a module that can do nothing. */
function requireMethods(own: NativeScriptModule): NativeScriptModule {
  if (own.methods().length > 0) return own
  own.dispose()
  const message = "Expected a method such as 'def forward(self, x): return x' for source but received none"
  throw torchError('ERR_TORCH_MODULE_LOAD', message)
}

markHandleClass(Module, 'await module.toBytes()')
