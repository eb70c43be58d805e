import { inspect } from 'node:util'
import type { NativeTensor } from '../../binding.js'
import { isAbortSignal } from './abort.js'
import { type DataOf, type DType, dtypes, requireDType, type TypedArray } from './dtype.js'
import { invalidArgument, torchError } from './errors.js'
import { native } from './native.js'
import { defineOptions, parseOptions } from './options.js'
import { adopt, markHandleClass } from './scope.js'
import { settle } from './settle.js'
import { readTensorData, type TensorData } from './tensor-data.js'
import { formatTensor } from './tensor-format.js'

const fromOptions = defineOptions((z) => ({ dtype: z.string().optional() }))

const toOptions = defineOptions((z) => ({
  device: z.string({ error: "a device such as 'cpu' or 'cuda:0'" }).optional(),
  dtype: z.string({ error: "a dtype such as 'float32'" }).optional(),
  signal: z.custom<AbortSignal>(isAbortSignal, 'an AbortSignal').optional(),
}))

export interface TensorFromOptions {
  /** Default: what the typed array holds; float32 for numbers, int64 for bigints, bool for booleans. */
  dtype?: DType | undefined
}

export interface TensorToOptions {
  device?: string | undefined
  dtype?: DType | undefined
  signal?: AbortSignal | undefined
}

/** Whether it is a tensor of this class's making: unlike `instanceof` no object and no proxy can pretend it. */
export let isTensor: (value: unknown) => value is Tensor
/** The native tensor behind a public one; throws ERR_TORCH_DISPOSED, and ERR_TORCH_INVALID_ARGUMENT for anything else. */
export let nativeTensor: (tensor: Tensor) => NativeTensor
/** A public tensor that owns the native one, in the current scope. */
export let wrapTensor: (own: NativeTensor) => Tensor

/** Nested arrays by shape: [2, 3] -> [[a, b, c], [d, e, f]]. */
export type NestedArray<T> = T | NestedArray<T>[]

// TypeScript's `private` keeps nobody from `new Tensor(...)` at run time.
const fromHere = Symbol('Tensor')
const dtypeName = 'the dtype of the tensor'

/**
 * torch.Tensor: values of one dtype on one device. Made by `Tensor.from`, by operators and by modules. What it holds is
 * freed by `dispose()`, by the end of a `scope`, or in the end by the garbage collector.
 */
export class Tensor {
  /** undefined once disposed: the native object may then serve another tensor. */
  #native: NativeTensor | undefined
  #shape: readonly number[] | undefined

  static {
    isTensor = (value) => typeof value === 'object' && value !== null && #native in value
    nativeTensor = (tensor) => {
      if (!isTensor(tensor)) throw invalidArgument('tensor', 'a Tensor', tensor)
      if (tensor.#native !== undefined) return tensor.#native
      throw torchError('ERR_TORCH_DISPOSED', 'Expected a live Tensor but received a disposed one')
    }
    wrapTensor = (own) => new Tensor(own, fromHere)
  }

  /** For members that read others of `this` before they reach the native tensor. */
  static #checked(tensor: Tensor): Tensor {
    nativeTensor(tensor)
    return tensor
  }

  private constructor(own: NativeTensor, origin: typeof fromHere) {
    if (origin !== fromHere) {
      const message = 'Expected Tensor.from or an operator to make the tensor but received a call of new Tensor'
      throw torchError('ERR_TORCH_INVALID_ARGUMENT', message)
    }
    this.#native = own
    adopt(this)
  }

  /**
   * A CPU tensor with a copy of the data as it is at the time of the call (a SharedArrayBuffer's too).
   *
   * data: a typed array, a number, bigint or boolean, or nested arrays of one of them. shape: default the nesting, or
   * [length] of a typed array. dtype float16 and bfloat16 take their bits as Uint16Array (float16 also Float16Array where
   * Node has it), bool a Uint8Array, complex64 a Float32Array of pairs, float8 a Uint8Array.
   *
   * Throws ERR_TORCH_SHAPE, ERR_TORCH_DTYPE, ERR_TORCH_INVALID_ARGUMENT, ERR_TORCH_OUT_OF_MEMORY.
   */
  static from(data: TensorData, shape?: readonly number[], options?: TensorFromOptions): Tensor {
    const { dtype } = parseOptions(fromOptions, options, 'Tensor.from')
    const { bytes, dtype: chosen, shape: sizes } = readTensorData(data, shape, dtype)
    return wrapTensor(new (native().NativeTensor)(bytes, chosen, sizes))
  }

  /** Sizes of the dimensions; [] for a scalar. */
  get shape(): readonly number[] {
    const own = nativeTensor(this)
    this.#shape ??= Object.freeze(own.shape)
    return this.#shape
  }

  /** Elements from one index to the next, by dimension. */
  get strides(): readonly number[] {
    return nativeTensor(this).strides
  }

  get dtype(): DType {
    return nativeTensor(this).dtype as DType
  }

  /** 'cpu', 'cuda:0', ... */
  get device(): string {
    return nativeTensor(this).device
  }

  /** Number of elements. */
  get numel(): number {
    return Tensor.#checked(this).shape.reduce((product, size) => product * size, 1)
  }

  /** Bytes of the elements. */
  get nbytes(): number {
    return Tensor.#checked(this).numel * this.#row.bytes
  }

  get requiresGrad(): boolean {
    return nativeTensor(this).requiresGrad
  }

  get disposed(): boolean {
    if (!isTensor(this)) throw invalidArgument('tensor', 'a Tensor', this)
    return this.#native === undefined
  }

  /**
   * The elements, row-major, as they are when the calls made before have run: a snapshot that no later operation
   * changes. Nothing is copied where the tensor is disposed right after the call and nothing shares its storage. From
   * 32 KiB on the buffer lies outside V8's heap; transferring such a buffer copies it.
   *
   * dtype: what the caller counts on, for the type; another one rejects with ERR_TORCH_DTYPE. float16 gives a
   * Float16Array where Node has it, else its bits as Uint16Array; bfloat16 bits as Uint16Array; int64 a BigInt64Array;
   * bool 0 and 1; complex64 pairs. Rejects with ERR_TORCH_DISPOSED.
   */
  data<D extends DType = DType>(dtype?: D): Promise<DataOf<D>> {
    const convert = ({ buffer, dtype: actual }: { buffer: ArrayBuffer; dtype: string }) => {
      if (dtype !== undefined && dtype !== actual) {
        const message = `Expected a tensor of dtype ${dtype} for data but received ${actual}: convert with to({ dtype })`
        throw torchError('ERR_TORCH_DTYPE', message, { operation: 'tensor.data' })
      }
      return new dtypes[requireDType(actual, dtypeName)].array(buffer) as TypedArray as DataOf<D>
    }
    const start = () => {
      const own = nativeTensor(this)
      if (dtype !== undefined) requireDType(dtype, 'dtype')
      return own.bytes()
    }
    return settle('tensor.data', { start, convert })
  }

  /** libtorch has dtypes that no typed array can show, such as complex32: ERR_TORCH_DTYPE. */
  get #row() {
    return dtypes[requireDType(this.dtype, dtypeName)]
  }

  /** The elements as JS numbers, bigints for int64 and uint64; the dtype as it is by then, since `Module.to` changes it. */
  async #numbers(operation: string): Promise<{ values: ArrayLike<number | bigint>; isBool: boolean }> {
    const own = nativeTensor(this)
    const { buffer, dtype } = await settle(operation, { start: () => own.bytes(), convert: (snapshot) => snapshot })
    const { array, numeric } = dtypes[requireDType(dtype, dtypeName)]
    const data = new array(buffer)
    if (numeric) return { values: data, isBool: dtype === 'bool' }
    const bits = Tensor.from(data, undefined, { dtype: dtype as DType })
    const wide = bits.to({ dtype: 'float32' })
    bits.dispose()
    const numbers = await wide
    const values = numbers.data('float32')
    numbers.dispose()
    return { values: await values, isBool: false }
  }

  /** torch.Tensor.item: the only element. ERR_TORCH_SHAPE when there are several; complex numbers have no item. */
  async item(): Promise<number | bigint | boolean> {
    if (Tensor.#checked(this).numel !== 1 || this.#row.perElement !== 1) {
      const message = `Expected one real element for item but received ${this.dtype} [${this.shape.join(', ')}]`
      throw torchError('ERR_TORCH_SHAPE', message, { operation: 'tensor.item' })
    }
    const { values, isBool } = await this.#numbers('tensor.item')
    const value = values[0] ?? Number.NaN
    return isBool ? value === 1 : value
  }

  /** torch.Tensor.tolist: nested arrays by shape. Complex numbers are pairs. */
  async toArray(): Promise<NestedArray<number | bigint | boolean>> {
    const { shape } = Tensor.#checked(this)
    const sizes = this.#row.perElement === 2 ? [...shape, 2] : shape
    const { values, isBool } = await this.#numbers('tensor.toArray')
    let next = 0
    const build = (dim: number): NestedArray<number | bigint | boolean> => {
      if (dim < sizes.length) return Array.from({ length: sizes[dim] ?? 0 }, () => build(dim + 1))
      const value = values[next++] ?? Number.NaN
      return isBool ? value === 1 : value
    }
    return build(0)
  }

  /**
   * torch.Tensor.to: the same values on another device or in another dtype. Where nothing changes the result is a second
   * handle on the same storage. Rejects with ERR_TORCH_DEVICE, ERR_TORCH_DTYPE, ERR_TORCH_OUT_OF_MEMORY.
   */
  to(options: TensorToOptions): Promise<Tensor> {
    const start = () => {
      const { device, dtype, signal } = parseOptions(toOptions, options, 'tensor.to')
      return settle(
        'tensor.to',
        {
          start: (cancellation) => nativeTensor(this).to(device, dtype, cancellation && { cancellation }),
          convert: wrapTensor,
          discard: (late) => late.dispose(),
        },
        signal,
      )
    }
    try {
      return start()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** A second handle on the same storage: each handle is disposed on its own, in-place operations show in both. */
  alias(): Tensor {
    return wrapTensor(nativeTensor(this).alias())
  }

  /** Frees the memory unless views or calls in flight still use it. A second call does nothing. */
  dispose(): void {
    if (!isTensor(this)) throw invalidArgument('tensor', 'a Tensor', this)
    const own = this.#native
    this.#native = undefined
    own?.dispose()
  }

  [Symbol.dispose](): void {
    Tensor.prototype.dispose.call(this)
  }

  [inspect.custom](): string {
    if (!isTensor(this)) return 'Tensor {}' // the prototype, say
    return formatTensor(this, (edgeItems) => nativeTensor(this).preview(edgeItems))
  }
}

markHandleClass(Tensor)
