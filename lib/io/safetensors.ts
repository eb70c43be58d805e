import type { OutcomeOf } from '../core/arrivals.js'
import { describe } from '../core/describe.js'
import { type DType, isDType } from '../core/dtype.js'
import { invalidArgument, readSafely, torchError } from '../core/errors.js'
import { requireFilePath } from '../core/file-path.js'
import { nearestName } from '../core/nearest-name.js'
import { defineOptions, parseOptions, signalField } from '../core/options.js'
import { adopt, type Handle, type handleBrand, markHandleClass } from '../core/scope.js'
import { settle } from '../core/settle.js'
import { type Tensor, wrapTensor } from '../core/tensor.js'
import { type NativeFile, type OpenFiles, openSafetensors } from './safetensors-file.js'

const openOptions = defineOptions((z) => ({
  mmap: z.boolean().optional(),
  signal: signalField(z),
}))

export interface SafetensorsOpenOptions {
  /**
   * Tensors are views of the file in memory instead of copies: nothing is read before it is used. Only for files that
   * nobody writes to or shortens meanwhile, which would change the tensors or end the process. Default: true for blobs of
   * the hub's cache, which are never written to.
   */
  mmap?: boolean | undefined
  signal?: AbortSignal | undefined
}

const readOptions = defineOptions((z) => ({
  device: z.string({ error: "a device such as 'cpu' or 'cuda:0'" }).optional(),
  dtype: z.custom<DType>(isDType, "a dtype such as 'bfloat16'").optional(),
  signal: signalField(z),
}))

export interface SafetensorsReadOptions {
  /** Where the tensors go; at most 64 MiB, or one tensor, wait on the CPU on their way. Default 'cpu'. */
  device?: string | undefined
  /** Converts floating point tensors, others stay as they are. Default: as stored. */
  dtype?: DType | undefined
  signal?: AbortSignal | undefined
}

/** What a file says of one tensor. */
export interface StoredTensorInfo {
  /**
   * The last three are dtypes of the format: F4's tensor is float4_e2m1fn_x2, an element of which is two numbers; F6 has
   * no tensor here.
   */
  readonly dtype: DType | 'F4' | 'F6_E2M3' | 'F6_E3M2'
  /** As the file counts, in numbers: the last size of F4 is twice that of its tensor. */
  readonly shape: readonly number[]
  readonly bytes: number
}

/** A part of the rows, as Array.prototype.slice counts them. */
function rowsOf(size: number, start: number, stop: number | undefined): [number, number] {
  const clamped = (row: number) => Math.min(Math.max(row < 0 ? row + size : row, 0), size)
  const first = clamped(start)
  return [first, Math.max(first, clamped(stop ?? size))]
}

function requireRow(name: string, row: unknown, operation: string): number {
  if (Number.isSafeInteger(row)) return row as number
  throw invalidArgument(name, 'a whole number', row, { operation })
}

function requireNames(names: unknown, operation: string): string[] {
  const given = { name: 'names', expected: 'names that can be read', actual: names, operation }
  return readSafely(given, () => {
    if (typeof names === 'object' && names !== null && Symbol.iterator in names) {
      const read = new Set<string>()
      for (const name of names as Iterable<unknown>) {
        // At once: a hole may be followed by 4 billion others.
        if (typeof name !== 'string') throw invalidArgument('names', 'an array of names', names, { operation })
        read.add(name)
      }
      return [...read]
    }
    throw invalidArgument('names', 'an array of names', names, { operation })
  })
}

// TypeScript's `private` keeps nobody from `new Safetensors(...)` at run time.
const fromHere = Symbol('Safetensors')

/**
 * Named tensors in a file, or in several with an index: what safetensors.safe_open gives in Python. The header is read
 * when it is opened, a tensor's bytes when it is asked for.
 */
export class Safetensors implements Handle {
  declare readonly [handleBrand]: true
  readonly #opened: OpenFiles
  #disposed = false

  static #live(receiver: Safetensors): OpenFiles {
    if (Safetensors.#checked(receiver).#disposed) {
      throw torchError('ERR_TORCH_DISPOSED', 'Expected open Safetensors but received disposed ones')
    }
    return receiver.#opened
  }

  static #checked(receiver: Safetensors): Safetensors {
    if (typeof receiver === 'object' && receiver !== null && #opened in receiver) return receiver
    throw invalidArgument('the receiver of the method', 'Safetensors', receiver)
  }

  private constructor(opened: OpenFiles, origin: typeof fromHere) {
    if (origin !== fromHere) {
      const message = 'Expected Safetensors.open to open the file but received a call of new Safetensors'
      throw torchError('ERR_TORCH_INVALID_ARGUMENT', message)
    }
    this.#opened = opened
    adopt(this)
  }

  /**
   * Opens a file (path or file: URL), or the index of a model in several files (`model.safetensors.index.json`), which
   * must lie in the index's folder or below.
   *
   * Accepts what the Rust reader accepts but for what no writer makes: a key twice in any object, an array or an object in
   * the place of a tensor's entry or of its dtype, and of tensors without elements sizes from 2^53 and strides from 2^63.
   * Rejects with ERR_TORCH_FILE_FORMAT (damaged, incomplete or of another kind), ERR_TORCH_DISK, or the signal's reason.
   */
  static async open(path: string | URL, options?: SafetensorsOpenOptions): Promise<Safetensors> {
    const operation = 'Safetensors.open'
    const { mmap, signal } = parseOptions(openOptions, options, operation)
    const place = requireFilePath(path, operation)
    return settle(operation, {
      start: () => openSafetensors(place, { operation, mmap, signal }),
      convert: (opened) => new Safetensors(opened, fromHere),
    })
  }

  /** The names of the tensors: in the order of their bytes, or in that of the index. */
  keys(): string[] {
    return [...Safetensors.#live(this).places.keys()]
  }

  /** What the writer noted, such as {format: 'pt'}; of several files, what the index says. */
  get metadata(): Readonly<Record<string, string>> {
    return Safetensors.#live(this).metadata
  }

  /** Whether tensors are views of the file in memory. */
  get mapped(): boolean {
    const { files } = Safetensors.#live(this)
    return files.length > 0 && files.every((file) => file.mapped)
  }

  static #place(receiver: Safetensors, name: unknown, operation: string): { file: NativeFile; index: number } {
    const { places } = Safetensors.#live(receiver)
    const place = places.get(name as string)
    if (place !== undefined) return place
    const isTypo = typeof name === 'string' && places.size <= 10_000 // more would take a second
    const nearest = isTypo ? nearestName(name, [...places.keys()]) : undefined
    const hint = nearest === undefined ? '' : ` (did you mean ${describe(nearest)}?)`
    const message = `Expected the name of a tensor of the file but received ${describe(name)}${hint}`
    throw torchError('ERR_TORCH_INVALID_ARGUMENT', message, { operation, details: { nearest } })
  }

  /** Dtype, shape and size of a tensor, without reading it. Throws ERR_TORCH_INVALID_ARGUMENT for an unknown name. */
  info(name: string): StoredTensorInfo {
    const { file, index } = Safetensors.#place(this, name, 'safetensors.info')
    const { dtype, shape, bytes } = file.info(index)
    return Object.freeze({ dtype: dtype as StoredTensorInfo['dtype'], shape: Object.freeze(shape), bytes })
  }

  /**
   * One tensor. Mapped ones of the same name share memory, unless they are converted or go to another device; in-place
   * operations never reach the file.
   *
   * Rejects with ERR_TORCH_INVALID_ARGUMENT (no such name), ERR_TORCH_DTYPE (F6; F4 with the option `dtype`: libtorch
   * cannot convert it), ERR_TORCH_SHAPE (F4 with an odd last size), ERR_TORCH_DEVICE, ERR_TORCH_FILE_FORMAT (the file has
   * become shorter), ERR_TORCH_DISK, ERR_TORCH_OUT_OF_MEMORY, or the signal's reason.
   */
  async tensor(name: string, options?: SafetensorsReadOptions): Promise<Tensor> {
    const operation = 'safetensors.tensor'
    const how = parseOptions(readOptions, options, operation)
    const { file, index } = Safetensors.#place(this, name, operation)
    const [own] = await readTensors(file, { operation, indices: [index], ...how })
    return wrapTensor(own as NativeTensor)
  }

  /**
   * Rows `start` to `stop` (not included) of a tensor's first dimension, counted as Array.prototype.slice does; only
   * they are read. Rejects as `tensor` does, and with ERR_TORCH_SHAPE for a scalar and for F4 of one dimension.
   */
  async slice(name: string, start: number, stop?: number, options?: SafetensorsReadOptions): Promise<Tensor> {
    const operation = 'safetensors.slice'
    const how = parseOptions(readOptions, options, operation)
    const { file, index } = Safetensors.#place(this, name, operation)
    const [size] = file.info(index).shape
    if (size === undefined) {
      const message = `Expected a tensor with rows for slice but received the scalar ${describe(name)}`
      throw torchError('ERR_TORCH_SHAPE', message, { operation })
    }
    const last = stop === undefined ? undefined : requireRow('stop', stop, operation)
    const rows = rowsOf(size, requireRow('start', start, operation), last)
    const [own] = await readTensors(file, { operation, indices: [index], rows, ...how })
    return wrapTensor(own as NativeTensor)
  }

  /** Several tensors by name; default all. What was read is given back where one of them fails. Rejects as `tensor`. */
  async tensors(names?: Iterable<string>, options?: SafetensorsReadOptions): Promise<Map<string, Tensor>> {
    const operation = 'safetensors.tensors'
    const how = parseOptions(readOptions, options, operation)
    const wanted = names === undefined ? Safetensors.prototype.keys.call(this) : requireNames(names, operation)
    const groups = new Map<NativeFile, { names: string[]; indices: number[] }>()
    for (const name of wanted) {
      const { file, index } = Safetensors.#place(this, name, operation)
      const group = groups.get(file) ?? { names: [], indices: [] }
      groups.set(file, group)
      group.names.push(name)
      group.indices.push(index)
    }
    const reads = [...groups].map(async ([file, group]): Promise<[string, NativeTensor][]> => {
      const read = await readTensors(file, { operation, indices: group.indices, ...how })
      return read.map((own, i) => [group.names[i] as string, own])
    })
    const natives = new Map(await allOrNone(reads))
    return new Map(wanted.map((name) => [name, wrapTensor(natives.get(name) as NativeTensor)]))
  }

  get disposed(): boolean {
    return Safetensors.#checked(this).#disposed
  }

  /** Closes the files. Tensors that were read live on. A second call does nothing. */
  dispose(): void {
    Safetensors.#checked(this).#disposed = true
    for (const file of this.#opened.files) file.dispose()
  }

  [Symbol.dispose](): void {
    Safetensors.prototype.dispose.call(this)
  }
}

type NativeTensor = OutcomeOf<NativeFile['read']>[number]

interface ReadRequest {
  operation: string
  indices: number[]
  rows?: [number, number]
  device?: string | undefined
  dtype?: DType | undefined
  signal?: AbortSignal | undefined
}

function readTensors(
  file: NativeFile,
  { operation, indices, rows, device, dtype, signal }: ReadRequest,
): Promise<NativeTensor[]> {
  return settle(
    operation,
    {
      start: (context) => file.read(indices, rows, device, dtype, context),
      convert: (tensors) => tensors,
      discard: (late) => {
        for (const own of late) own.dispose()
      },
    },
    signal,
  )
}

/** Waits for all; where one fails, disposes what the others gave. */
async function allOrNone(reads: Promise<[string, NativeTensor][]>[]): Promise<[string, NativeTensor][]> {
  const results = await Promise.allSettled(reads)
  const pairs = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed === undefined) return pairs
  for (const [, own] of pairs) own.dispose()
  throw failed.reason
}

markHandleClass(Safetensors, 'the path of the file')
