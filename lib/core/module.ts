import { fileURLToPath } from 'node:url'
import type { NativeScriptModule, NativeTensor, NativeValue } from '../../binding.js'
import { saveAtomically } from './atomic-file.js'
import { invalidArgument, TorchError, torchError } from './errors.js'
import { type ExecutionOptions, execute, executionOptionNames } from './execution.js'
import {
  type FreezeOptions,
  freezeOptions,
  type LoadStateDictOptions,
  loadStateDictOptions,
  type ModuleLoadOptions,
  type ModuleToOptions,
  moduleLoadOptions,
  moduleSource,
  moduleToOptions,
  readArchive,
  requireSha256,
  type SaveOptions,
  type SourceOptions,
  saveOptions,
  sourceOptions,
  type WarmupOptions,
  warmupOptions,
} from './module-options.js'
import { native } from './native.js'
import { isOptionsObject } from './op-overload.js'
import { operators } from './operators.js'
import { parseOptions, unknownOption } from './options.js'
import { adopt, markHandleClass } from './scope.js'
import { settle } from './settle.js'
import { isTensor, nativeTensor, type Tensor, wrapTensor } from './tensor.js'
import { toNative, type Value } from './value.js'

export interface ModuleMethod {
  name: string
  /** As TorchScript prints it: `forward(__torch__.Net self, Tensor x) -> Tensor`. */
  schema: string
}

const named = (pairs: [string, NativeTensor][]) => new Map(pairs.map(([name, own]) => [name, wrapTensor(own)]))

function checkOptionNames(options: unknown, verb: string): void {
  if (options === undefined) return
  const names: string[] = []
  try {
    if (!isOptionsObject(options)) throw invalidArgument('options', 'a plain object', options, { operation: verb })
    for (const key in options as object) names.push(key)
  } catch (cause) {
    if (cause instanceof TorchError) throw cause
    throw invalidArgument('options', 'an object that can be read', options, { operation: verb, cause })
  }
  for (const name of names) {
    if (!executionOptionNames.includes(name)) throw unknownOption(name, executionOptionNames, verb)
  }
}

/** The native module behind a public one; throws ERR_TORCH_INVALID_ARGUMENT for anything else. */
let nativeModule: (module: Module) => NativeScriptModule

// TypeScript's `private` keeps nobody from `new Module(...)` at run time.
const fromHere = Symbol('Module')

/**
 * A TorchScript module: a program with weights. All its work runs in order on one submission thread, its lane; calls may
 * be made without waiting for earlier ones. Inputs and weights live until a call that uses them has ended, whatever is
 * disposed meanwhile.
 */
export class Module {
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

  static #wrap(own: NativeScriptModule): Module {
    return new Module(own, fromHere)
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
    let archive = moduleSource(source)
    if (sha256 !== undefined) {
      if (typeof archive === 'string') archive = await readArchive(archive, signal)
      requireSha256(archive, sha256)
    }
    return settle(
      'Module.load',
      {
        start: (cancellation) =>
          native().NativeScriptModule.load(archive, device, dtype, lane, cancellation && { cancellation }),
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

  /** Files that were stored beside the program, such as metadata: name to content. */
  extraFiles(): Record<string, string> {
    return nativeModule(this).extraFiles()
  }

  /** `call('forward', inputs)`. */
  forward(...inputs: Value[]): Promise<Value> {
    return execute('module.forward', undefined, () => nativeModule(this).call('forward', toArguments(inputs)))
  }

  /**
   * Calls a method. Missing trailing arguments take their defaults. Gradients are off unless `gradMode` says otherwise.
   * Rejects with ERR_TORCH_INVALID_ARGUMENT (no such method, an argument of another type), ERR_TORCH_MODULE_RUN with
   * TorchScript's traceback in `details.trace`, ERR_TORCH_OUT_OF_MEMORY, ERR_TORCH_DISPOSED, or the signal's reason.
   */
  call(method: string, inputs: readonly Value[] = [], options?: ExecutionOptions): Promise<Value> {
    const start = () => {
      const own = nativeModule(this)
      checkOptionNames(options, 'module.call')
      const args = toArguments(inputs)
      return execute('module.call', options, (context) => own.call(method, args, context))
    }
    try {
      return start()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Trainable tensors by name, shared with the module. */
  parameters(): Promise<Map<string, Tensor>> {
    return settle('module.parameters', { start: () => nativeModule(this).tensors('parameters'), convert: named })
  }

  /** Other tensors of the module's state by name, such as running statistics; shared with the module. */
  buffers(): Promise<Map<string, Tensor>> {
    return settle('module.buffers', { start: () => nativeModule(this).tensors('buffers'), convert: named })
  }

  /** Parameters and buffers by name, in PyTorch's order of each; shared with the module. */
  stateDict(): Promise<Map<string, Tensor>> {
    const start = async () => {
      const own = nativeModule(this)
      return (await Promise.all([own.tensors('parameters'), own.tensors('buffers')])).flat()
    }
    return settle('module.stateDict', { start, convert: named })
  }

  /**
   * torch.nn.Module.load_state_dict with assign=True: the module shares the given tensors from here on. Nothing changes
   * where a tensor does not fit: ERR_TORCH_STATE_DICT lists names that are missing, unexpected or of another shape.
   */
  async loadStateDict(
    tensors: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
    options?: LoadStateDictOptions,
  ): Promise<void> {
    const own = nativeModule(this)
    const { strict } = parseOptions(loadStateDictOptions, options, 'module.loadStateDict')
    const entries = stateEntries(tensors)
    const names = entries.map(([name]) => name)
    const given = entries.map(([, tensor]) => nativeTensor(tensor))
    await settle('module.loadStateDict', { start: () => own.assign(names, given, strict), convert: () => undefined })
  }

  /** Dotted names of all submodules, in their order. */
  submodules(): Promise<string[]> {
    return settle('module.submodules', { start: () => nativeModule(this).submodules(), convert: (names) => names })
  }

  /** A submodule by its dotted name; shares its tensors and its lane. */
  submodule(name: string): Promise<Module> {
    return settle('module.submodule', { start: () => nativeModule(this).submodule(name), convert: Module.#wrap })
  }

  /** torch.nn.Module.train, behind the calls made before. */
  async train(on = true): Promise<void> {
    await nativeModule(this).train(on)
  }

  /** `train(false)`. */
  async eval(): Promise<void> {
    await nativeModule(this).train(false)
  }

  /**
   * torch.nn.Module.to: moves or converts in place, behind the calls made before. A dtype applies to floating point
   * tensors only; channelsLast to weights of 4 dimensions. Tensors that `parameters()` gave follow.
   */
  async to(options: ModuleToOptions): Promise<void> {
    const { device, dtype, channelsLast } = parseOptions(moduleToOptions, options, 'module.to')
    await nativeModule(this).to(device, dtype, channelsLast)
  }

  /** Adds methods from TorchScript source, which may call the module's own. Rejects with ERR_TORCH_MODULE_LOAD. */
  async define(source: string): Promise<void> {
    await nativeModule(this).define(source)
  }

  /**
   * torch.jit.freeze: a new module for inference only, in eval mode, with weights as constants and batch norms folded.
   * This one stays as it is.
   */
  async freeze(options?: FreezeOptions): Promise<Module> {
    const { preserve, channelsLast, optimize } = parseOptions(freezeOptions, options, 'module.freeze')
    return Module.#wrap(await nativeModule(this).freeze(preserve, channelsLast, optimize))
  }

  /**
   * Runs a method on zeros of the given shapes, so that the first real call is as fast as later ones: TorchScript
   * specializes itself during its first calls of each shape.
   *
   * shapes: one per input.
   */
  async warmup(shapes: readonly (readonly number[])[], options?: WarmupOptions): Promise<void> {
    const { device } = nativeModule(this)
    const { runs, dtype, method } = parseOptions(warmupOptions, options, 'module.warmup')
    const inputs: Tensor[] = []
    try {
      for (const shape of readShapes(shapes)) inputs.push(await operators.zeros(shape, { dtype, device }))
      for (let run = 0; run < runs; run++) disposeAll(await this.call(method, inputs, { gradMode: 'no-grad' }))
    } finally {
      disposeAll(inputs)
    }
  }

  /** The bytes of a TorchScript archive, which torch.jit.load of Python reads too. Rejects with ERR_TORCH_MODULE_SAVE. */
  async toBytes(options?: SaveOptions): Promise<Uint8Array> {
    const { extraFiles } = parseOptions(saveOptions, options, 'module.toBytes')
    return new Uint8Array(await nativeModule(this).save(extraFiles))
  }

  /**
   * Writes a TorchScript archive. The file is complete or not there: it gets its name when all bytes are on disk.
   * Rejects with ERR_TORCH_MODULE_SAVE.
   */
  async save(path: string | URL, options?: SaveOptions): Promise<void> {
    const target = requireFile(path)
    const { extraFiles } = parseOptions(saveOptions, options, 'module.save')
    const bytes = new Uint8Array(await nativeModule(this).save(extraFiles))
    try {
      await saveAtomically(target, bytes)
    } catch (cause) {
      const message = `Expected a place to write for module.save but '${target}' is none: ${(cause as Error).message}`
      throw torchError('ERR_TORCH_MODULE_SAVE', message, { operation: 'module.save', cause })
    }
  }

  /** Frees the weights unless calls in flight, submodules or tensors still use them. A second call does nothing. */
  dispose(): void {
    nativeModule(this).dispose()
  }

  [Symbol.dispose](): void {
    nativeModule(this).dispose()
  }
}

function stateEntries(tensors: unknown): [string, Tensor][] {
  const operation = 'module.loadStateDict'
  try {
    if (tensors instanceof Map) return [...tensors]
    if (isOptionsObject(tensors)) return Object.entries(tensors as object)
  } catch (cause) {
    throw invalidArgument('tensors', 'a Map or an object that can be read', tensors, { operation, cause })
  }
  throw invalidArgument('tensors', 'a Map or an object of tensors by name', tensors, { operation })
}

function toArguments(inputs: readonly Value[]): NativeValue[] {
  const args = toNative(inputs as Value[])
  if (Array.isArray(args)) return args
  throw invalidArgument('inputs', 'an array of arguments', inputs)
}

/** Throws ERR_TORCH_INVALID_ARGUMENT. */
function requireFile(path: unknown): string {
  const operation = 'module.save'
  try {
    const place = path instanceof URL ? fileURLToPath(path) : path
    if (typeof place === 'string' && place !== '' && !place.includes('\0')) return place
  } catch (cause) {
    throw invalidArgument('path', 'a path or a file: URL', path, { operation, cause })
  }
  throw invalidArgument('path', 'a path or a file: URL', path, { operation })
}

function readShapes(shapes: unknown): number[][] {
  const read = toNative(shapes as Value) // each shape is checked by the operator that makes its zeros
  if (Array.isArray(read)) return read as number[][]
  throw invalidArgument('shapes', 'an array with one shape per input', shapes, { operation: 'module.warmup' })
}

function disposeAll(value: Value): void {
  if (isTensor(value)) value.dispose()
  else if (Array.isArray(value)) value.forEach(disposeAll)
  else if (value instanceof Map) value.forEach(disposeAll)
}

markHandleClass(Module)
