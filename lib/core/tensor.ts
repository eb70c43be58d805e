import { inspect, types } from 'node:util'
import type { NativeContext, NativeTensor } from '../../binding.js'
import { describeWith } from './describe.js'
import {
  conversionHint,
  type DataOf,
  type DType,
  dtypes,
  requireDType,
  type TensorDType,
  type TypedArray,
} from './dtype.js'
import { invalidArgument, torchError } from './errors.js'
import { native } from './native.js'
import { defineOptions, parseOptions, type SignalOptions, signalField, signalOf } from './options.js'
import { isPlainObject } from './plain-object.js'
import { adopt, type Handle, type handleBrand, markHandleClass } from './scope.js'
import { settle } from './settle.js'
import { readTensorData, type TensorData } from './tensor-data.js'
import { type Element, type NestedArray, nest, readElements } from './tensor-elements.js'
import { formatTensor } from './tensor-format.js'

const fromOptions = defineOptions((z) => ({ dtype: z.string().optional() }))

const toOptions = defineOptions((z) => ({
  device: z.string({ error: "a device such as 'cpu' or 'cuda:0'" }).optional(),
  dtype: z.string({ error: "a dtype such as 'float32'" }).optional(),
  signal: signalField(z),
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

// TypeScript's `private` keeps nobody from `new Tensor(...)` at run time.
const fromHere = Symbol('Tensor')
const dtypeName = 'the dtype of the tensor'

/**
 * torch.Tensor: values of one dtype on one device. Made by `Tensor.from`, by operators and by modules. What it holds is
 * freed by `dispose()`, by the end of a `scope`, or in the end by the garbage collector.
 */
export class Tensor implements Handle {
  declare readonly [handleBrand]: true
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
    describeWith((value) => {
      if (!isTensor(value)) return undefined
      const own = value.#native
      return own === undefined ? 'a disposed Tensor' : `a Tensor of ${own.dtype} [${own.shape.join(', ')}]`
    })
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
   * data: a typed array, a number, bigint or boolean, or nested arrays of one of them (rows as typed arrays, say, which
   * `embed` gives). int64 and uint64 take integers beyond 2^53 as bigints only: numbers have been rounded there. shape:
   * default the nesting, or [length] of a typed array. dtype float16 and bfloat16 take their bits as Uint16Array (float16
   * also Float16Array where Node has it), bool a Uint8Array, complex64 a Float32Array of pairs, float8 and float4 a
   * Uint8Array.
   *
   * Throws ERR_TORCH_SHAPE, ERR_TORCH_DTYPE, ERR_TORCH_INVALID_ARGUMENT, ERR_TORCH_OUT_OF_MEMORY.
   */
  static from(data: TensorData, shape?: readonly number[], options?: TensorFromOptions): Tensor
  static from(data: TensorData, options: TensorFromOptions): Tensor
  static from(data: TensorData, second?: readonly number[] | TensorFromOptions, third?: TensorFromOptions): Tensor {
    const [shape, options] =
      third === undefined && !types.isProxy(second) && isPlainObject(second) ? [undefined, second] : [second, third]
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

  /** One of `DType`, or a dtype of libtorch's that only modules make, by libtorch's own name, such as 'ComplexHalf'. */
  get dtype(): TensorDType {
    return nativeTensor(this).dtype
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
   * The elements, row-major, as they are when the calls made before on lane 0 of the device have run: a snapshot that no
   * later operation changes. A module on another lane that writes to the tensor must be awaited first. Nothing is copied
   * where the tensor is disposed right after the call and nothing shares its storage. From 32 KiB on the buffer lies
   * outside V8's heap; transferring such a buffer copies it.
   *
   * dtype: what the caller counts on, for the type; another one rejects with ERR_TORCH_DTYPE. float16 gives a
   * Float16Array where Node has it, else its bits as Uint16Array; bfloat16 bits as Uint16Array; int64 a BigInt64Array;
   * bool 0 and 1; complex64 pairs. Rejects with ERR_TORCH_DISPOSED, or the signal's reason.
   */
  data(dtype?: undefined, options?: SignalOptions): Promise<TypedArray>
  data<D extends DType>(dtype: D, options?: SignalOptions): Promise<DataOf<D>>
  data(dtype?: DType, options?: SignalOptions): Promise<TypedArray> {
    const convert = ({ buffer, dtype: actual }: { buffer: ArrayBuffer; dtype: string }) => {
      if (dtype !== undefined && dtype !== actual) {
        const message = `Expected a tensor of dtype ${dtype} for data but received ${actual}`
        throw torchError('ERR_TORCH_DTYPE', message + conversionHint([dtype, actual]), { operation: 'tensor.data' })
      }
      return new dtypes[requireDType(actual, dtypeName)].array(buffer)
    }
    const start = (context: NativeContext | undefined) => {
      const own = nativeTensor(this)
      if (dtype !== undefined) requireDType(dtype, 'dtype')
      return own.bytes(context)
    }
    try {
      return settle('tensor.data', { start, convert }, signalOf(options, 'tensor.data'))
    } catch (error) {
      return Promise.reject(error) // of the options; not an async function: that costs a turn
    }
  }

  /** libtorch has dtypes that no typed array can show, such as complex32: ERR_TORCH_DTYPE. */
  get #row() {
    return dtypes[requireDType(this.dtype, dtypeName)]
  }

  /**
   * torch.Tensor.item: the only element. ERR_TORCH_SHAPE when there are several; complex numbers have no item, nor has float4
   * (ERR_TORCH_DTYPE).
   */
  async item(options?: SignalOptions): Promise<number | bigint | boolean> {
    const start = async () => {
      const own = nativeTensor(this)
      if (this.numel !== 1 || this.#row.perElement !== 1) {
        const message = `Expected one real element for item but received ${this.dtype} [${this.shape.join(', ')}]`
        throw torchError('ERR_TORCH_SHAPE', message)
      }
      return readElements(own)
    }
    const convert = (elements: ArrayLike<Element>) => elements[0] ?? Number.NaN
    return settle('tensor.item', { start, convert }, signalOf(options, 'tensor.item'))
  }

  /** torch.Tensor.tolist: nested arrays by shape. Complex numbers are pairs; float4 has no numbers: ERR_TORCH_DTYPE. */
  async toArray(options?: SignalOptions): Promise<NestedArray<Element>> {
    let sizes: readonly number[] = []
    const start = async () => {
      const own = nativeTensor(this)
      sizes = this.#row.perElement === 2 ? [...this.shape, 2] : this.shape
      return readElements(own)
    }
    const convert = (elements: ArrayLike<Element>) => nest(elements, sizes)
    return settle('tensor.toArray', { start, convert }, signalOf(options, 'tensor.toArray'))
  }

  /**
   * torch.Tensor.to: the same values on another device or in another dtype. Where nothing changes the result is a second
   * handle on the same storage. Rejects with ERR_TORCH_DEVICE, ERR_TORCH_DTYPE, ERR_TORCH_OUT_OF_MEMORY, or the signal's
   * reason.
   */
  async to(options: TensorToOptions): Promise<Tensor> {
    const { device, dtype, signal } = parseOptions(toOptions, options, 'tensor.to')
    return settle(
      'tensor.to',
      {
        start: (context) => nativeTensor(this).to(device, dtype, context),
        convert: wrapTensor,
        discard: (late) => late.dispose(),
      },
      signal,
    )
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

markHandleClass(Tensor, 'await tensor.data()')
