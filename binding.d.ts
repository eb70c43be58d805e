/** The whole native surface, typed once. A test holds it against the addon in both directions. */

/**
 * What crosses the border in either direction: an IValue of TorchScript. A module's or operator's schema decides how a
 * JS value is read (5 as int or float, [] as a list of what). Outwards: int beyond 2^53 is a bigint, None is null, lists
 * and tuples are arrays, dicts are Maps. Inwards a dict is a NativeDict.
 */
export type NativeValue =
  | NativeTensor
  | NativeGenerator
  | number
  | bigint
  | boolean
  | string
  | null
  | undefined
  | NativeValue[]
  | Map<NativeValue, NativeValue>
  | NativeDict

/** Not a Map: that of a vm context, where test runners put programs, has another class than the addon's. */
export interface NativeDict {
  entries: [key: NativeValue, value: NativeValue][]
}

/**
 * A call in flight, by its ticket: `settle` (see initialize) is told of its outcome, in a later turn of the event loop
 * than the call. A promise of the addon's own for each would cost a third of a small call.
 */
export type Pending<T> = number & { readonly outcome: T }

/** What a task carries to its executor. A missing context means: no gradients, no autocast, the default generator. */
export interface NativeContext {
  gradMode?: 'no-grad' | 'inference' | 'enabled' | undefined
  /** dtype name that autocast computes in; missing: autocast off */
  autocast?: string | undefined
  /** replaces the default generator of its device while the task runs */
  generator?: NativeGenerator | undefined
  /** read once more when the task leaves the queue */
  cancellation?: NativeCancellation | undefined
}

export class NativeTensor {
  /** Copies the bytes at the time of the call. The view may lie on a SharedArrayBuffer. */
  constructor(bytes: Uint8Array, dtype: string, shape: number[])
  readonly shape: number[]
  readonly strides: number[]
  readonly dtype: string
  readonly device: string
  readonly requiresGrad: boolean
  readonly disposed: boolean
  /** The first and last `edgeItems` of each dimension, row-major, complex numbers as pairs; null when not on the CPU. */
  preview(edgeItems: number): (number | bigint)[] | null
  /**
   * Contiguous little-endian bytes and their dtype: a snapshot that later in-place operations never change. Copied off
   * the JS thread, except where the handle was disposed meanwhile and nothing else owns the storage.
   */
  bytes(context?: NativeContext): Pending<{ buffer: ArrayBuffer; dtype: string }>
  to(device: string | undefined, dtype: string | undefined, context?: NativeContext): Pending<NativeTensor>
  /** A second handle on the same tensor. */
  alias(): NativeTensor
  /** The object may come back as the next result: whoever calls this drops its reference. */
  dispose(): void
}

export class NativeGenerator {
  /** Without a seed: a second handle on the process-wide default generator of the device. */
  constructor(device: string, seed?: number | bigint)
  readonly device: string
  readonly disposed: boolean
  seed(value: number | bigint): Pending<void>
  /** uint8 [bytes] */
  getState(): Pending<NativeTensor>
  setState(state: NativeTensor): Pending<void>
  dispose(): void
}

export class NativeCancellation {
  constructor()
  cancel(): void
}

export interface NativeMethod {
  name: string
  schema: string
}

/** How a derived module differs from its base; names and what they stand for lie side by side. */
export interface NativeModuleChanges {
  source: string
  removed: string[]
  moduleNames: string[]
  /** of the base's device and lane */
  modules: NativeScriptModule[]
  parameterNames: string[]
  parameters: NativeTensor[]
  bufferNames: string[]
  buffers: NativeTensor[]
}

export class NativeScriptModule {
  private constructor()
  /**
   * From a file, or from bytes, which are read where they lie until the call ends and are then detached: the caller's own
   * copy. `lane` is the submission thread that runs the module.
   */
  static load(
    source: string | Uint8Array,
    device: string,
    dtype: string | undefined,
    lane: number,
    context?: NativeContext,
  ): Pending<NativeScriptModule>
  /** A module made from TorchScript source text alone: `def forward(self, x): ...`. */
  static fromSource(source: string, lane: number): Pending<NativeScriptModule>
  readonly device: string
  readonly lane: number
  readonly training: boolean
  readonly disposed: boolean
  methods(): NativeMethod[]
  call(method: string, context: NativeContext | undefined, ...args: NativeValue[]): Pending<NativeValue>
  /** What the named submodules give when `forward` runs on the arguments: a list of tensors. */
  callLayers(layers: string[], context: NativeContext | undefined, ...args: NativeValue[]): Pending<NativeValue>
  /** [name, tensor][], shared with the module */
  tensors(kind: 'parameters' | 'buffers' | 'state', context?: NativeContext): Pending<[string, NativeTensor][]>
  submodules(): Pending<string[]>
  /** a submodule that shares its tensors and its lane */
  submodule(path: string): Pending<NativeScriptModule>
  extraFiles(): Record<string, string>
  train(on: boolean): Pending<void>
  to(
    device: string | undefined,
    dtype: string | undefined,
    channelsLast: boolean,
    context?: NativeContext,
  ): Pending<void>
  define(source: string, context?: NativeContext): Pending<void>
  /** Adds a method that takes what forward takes and gives the outputs of the named submodules. */
  defineLayerOutputs(method: string, layers: string[], context?: NativeContext): Pending<void>
  /** a new module of another type that shares storage with this one and with the parts */
  derive(changes: NativeModuleChanges, context?: NativeContext): Pending<NativeScriptModule>
  /** requires_grad of parameters; submodules that stay in evaluation mode (off) or follow train (on) */
  setTrainable(parameters: string[], submodules: string[], on: boolean, context?: NativeContext): Pending<void>
  /** The module shares the tensors from here on; all or nothing. */
  assign(
    names: string[],
    tensors: NativeTensor[],
    strict: boolean,
    anyShape: boolean,
    context?: NativeContext,
  ): Pending<void>
  /** a new, inference-only module with its constants folded; keeps forward and the named methods */
  freeze(
    preserved: string[],
    channelsLast: boolean,
    optimize: boolean,
    context?: NativeContext,
  ): Pending<NativeScriptModule>
  /** the bytes of a TorchScript archive */
  save(extraFiles: Record<string, string>, context?: NativeContext): Pending<ArrayBuffer>
  dispose(): void
}

/** A decoded picture: rows without gaps. */
export interface NativeImage {
  /**
   * Read where it lies: must neither be detached nor resized until the call has ended, and in a worker not be memory that
   * another addon lent (a terminated worker gives that back before it waits for the reading). A successful call detaches
   * it, so that its memory is freed at once, unless it is a part of a larger buffer.
   */
  samples: Uint8Array
  /** Interleaved RGB bytes; interleaved CMYK bytes, 0 being no ink; 16-bit grey in the machine's byte order. */
  format: 'rgb' | 'cmyk' | 'grey16'
  width: number
  height: number
}

/** How a picture becomes one entry of a batch. */
export interface NativePlacement {
  filter: 'bilinear' | 'bicubic'
  /** The size that the whole picture is resampled to. */
  width: number
  height: number
  /** Where the entry's top left corner lies in the resampled picture; the entry may reach beyond it on every side. */
  left: number
  top: number
  /** Red, green and blue there, in the units of the result. */
  fill: number[]
  /** 768 elements: what each byte of red, then green, then blue becomes. Without it bytes stay bytes. */
  table: Float32Array | undefined
}

export interface NativeStoredTensor {
  /** PyTorch's name, or the format's own where libtorch counts otherwise ('F4') or has no such dtype ('F6_E2M3') */
  dtype: string
  /** As in the file. */
  shape: number[]
  bytes: number
}

/** A safetensors file, its header read; tensors have an index, in the order of their bytes. */
export class NativeSafetensors {
  private constructor()
  /** `mapped`: tensors are views of one mapping; only for files that nobody shortens. */
  static open(path: string, mapped: boolean, context?: NativeContext): Pending<NativeSafetensors>
  readonly mapped: boolean
  readonly disposed: boolean
  names(): string[]
  metadata(): [string, string][]
  info(index: number): NativeStoredTensor
  /** `rows`: [first, last) of the first dimension, where one index is given. `dtype` counts for floating point tensors. */
  read(
    indices: number[],
    rows: number[] | undefined,
    device: string | undefined,
    dtype: string | undefined,
    context?: NativeContext,
  ): Pending<NativeTensor[]>
  /** Mapped tensors live on. */
  dispose(): void
}

export interface NativeMemory {
  /** live handles */
  tensors: number
  modules: number
  generators: number
  /** bytes of the storages that live handles hold, each storage once, by device */
  bytes: Record<string, number>
}

export interface NativeBuild {
  /** major.minor.patch of the headers that the addon was compiled with */
  torch: string
  /** 'cpu', 'cuda', ...: device types that this process can compute on */
  deviceTypes: string[]
  /** intra-op threads */
  threads: number
  /** at::get_cpu_capability() */
  cpuCapability: string
}

/**
 * Once per environment, before anything else. `createError` turns a native failure into the error that is thrown or given
 * as an outcome; `trace` is TorchScript's own traceback, '' where there is none, `lists` name what the message speaks of by
 * kind. `settle` is called once for all calls
 * that have come back: ticket and result of each in turn, or ~ticket and error. `threads`: the process's intra-op
 * threads (undefined: as OpenMP has it).
 */
export function initialize(
  createError: (
    code: string,
    message: string,
    operation: string,
    trace: string,
    lists: Record<string, string[]>,
  ) => Error,
  settle: (...ticketsAndOutcomes: unknown[]) => void,
  threads: number | undefined,
): void
/** Replaces the file when all is written and synced. Metadata as keys and values; undefined: none. */
export function writeSafetensors(
  path: string,
  names: string[],
  tensors: NativeTensor[],
  keys: string[] | undefined,
  values: string[] | undefined,
  context?: NativeContext,
): Pending<void>
/** A number for callOperator, or null when the dispatcher has no such operator. */
export function findOperator(name: string, overload: string): number | null
/** The dispatcher's own schema text. */
export function operatorSchema(operator: number): string
/** Arguments in the schema's order; undefined and missing ones take their defaults. */
export function callOperator(
  operator: number,
  context: NativeContext | undefined,
  ...args: NativeValue[]
): Pending<NativeValue>
/** Seeds the default generators of every device. */
export function seed(value: number | bigint): Pending<void>
export function memory(): NativeMemory
/** Tasks waiting or running, by executor: 'cpu:0' is lane 0 of the CPU, 'io' the thread of files. */
export function queueDepths(): Record<string, number>
/** For the end of the process: from here on no task starts; waits for those that run, at most half a second. */
export function stop(): void
export function devices(): string[]
export function build(): NativeBuild
/**
 * Converts a picture to RGB as Pillow does, resamples it as Pillow 13 does, bit for bit, crops or pads it, and writes
 * entry `index` of `batch`: [N, 3, H, W], float32 with a table, uint8 without. On the pool of the host.
 */
export function writeImage(
  batch: NativeTensor,
  index: number,
  image: NativeImage,
  placement: NativePlacement,
  context?: NativeContext,
): Pending<void>

/**
 * The boot addon (native/boot), loaded before libtorch: plain C, without error codes. What it is given wrong is a
 * TypeError, a libtorch that cannot be opened an Error with the loader's reason.
 */
export interface NativeBoot {
  /**
   * Opens libtorch unless the process has done so; empty strings leave a variable of libgomp as it is. The description
   * that the first call of the process gave.
   */
  open(directory: string, cuda: boolean, threads: string, spinCount: string, description: string): string
  /** That description, once libtorch is open. */
  booted(): string | undefined
  /** Of the opened libtorch; zeros before. */
  version(): [major: number, minor: number, patch: number]
  /** A variable of the process, which a worker's process.env need not show. */
  environment(name: string): string | undefined
  /** Called just before the process exits: it then ends before destructors of libtorch run. */
  leaveFirst(): void
  /** What cuInit returned and cuDriverGetVersion said; undefined without a CUDA driver. */
  driver(): [status: number, version: number] | undefined
}
