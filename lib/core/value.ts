import { types } from 'node:util'
import type { NativeTensor, NativeValue } from '../../binding.js'
import { invalidArgument, readSafely } from './errors.js'
import { type Generator, isGenerator, nativeGenerator } from './generator.js'
import { native } from './native.js'
import { isPlainObject } from './plain-object.js'
import { isTensor, nativeTensor, type Tensor, wrapTensor } from './tensor.js'

/**
 * What TorchScript methods and operators take and give. Inwards the schema decides how a value is read; outwards lists
 * and tuples are arrays, dicts are Maps, None is null, and an int beyond 2^53 is a bigint.
 */
export type Value =
  | Tensor
  | Generator
  | number
  | bigint
  | boolean
  | string
  | null
  | undefined
  | Value[]
  | Map<Value, Value>
  | { [key: string]: Value }

const maxDepth = 64
/** Arrays that hold one another twice are few objects and many values. */
const maxContainers = 1_000_000

/** One value on its way to the addon. */
interface Reading {
  containers: number
}

function convert(value: Value, depth: number, reading: Reading): NativeValue {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol') throw notAValue(value)
    return value
  }
  if (isTensor(value)) return nativeTensor(value)
  if (depth > maxDepth) throw invalidArgument('a value', `values nested at most ${maxDepth} deep`, value)
  if (++reading.containers > maxContainers) {
    throw invalidArgument('a value', `at most ${maxContainers} arrays and dicts in one another`, value)
  }
  if (Array.isArray(value)) {
    const items: NativeValue[] = []
    // Array.from costs 1 us more.
    for (let i = 0; i < value.length; i++) {
      const item = value[i]
      // An array of 4 billion holes is made in no time, and read in hours.
      if (item === undefined && !(i in value)) throw invalidArgument('a value', 'arrays without holes', value)
      items.push(convert(item, depth + 1, reading))
    }
    return items
  }
  if (isGenerator(value)) return nativeGenerator(value)
  if (types.isMap(value)) {
    const entries: [NativeValue, NativeValue][] = []
    Map.prototype.forEach.call(value, (item: Value, key: Value) => {
      entries.push([convert(key, depth + 1, reading), convert(item, depth + 1, reading)])
    })
    return { entries }
  }
  if (!isPlainObject(value)) throw notAValue(value)
  return { entries: Object.entries(value).map(([key, item]) => [key, convert(item, depth + 1, reading)]) }
}

/**
 * Throws ERR_TORCH_INVALID_ARGUMENT for functions, symbols, foreign objects, what is nested deeper than 64, and what
 * throws when it is read.
 */
export function toNative(value: Value): NativeValue {
  if (isTensor(value)) return nativeTensor(value) // most of what calls take
  const given = { name: 'a value', expected: 'a value that can be read', actual: value }
  return readSafely(given, () => convert(value, 0, { containers: 0 }))
}

function notAValue(value: unknown) {
  return invalidArgument(
    'a value',
    'a Tensor, number, bigint, boolean, string, null, array, Map or plain object (Tensor.from takes typed arrays)',
    value,
  )
}

/** `instanceof` asks the class first, which takes longer than all else here. */
function isNativeTensor(value: object): value is NativeTensor {
  return Object.getPrototypeOf(value) === native().NativeTensor.prototype
}

/** Wraps the tensors of a result for the current scope. */
export function fromNative(value: NativeValue): Value {
  if (typeof value !== 'object' || value === null) return value
  if (isNativeTensor(value)) return wrapTensor(value)
  if (Array.isArray(value)) return value.map(fromNative)
  return new Map(
    Array.from(value as Map<NativeValue, NativeValue>, ([key, item]) => [fromNative(key), fromNative(item)]),
  )
}

/** Disposes the tensors of a result that nobody will see. */
export function discardNative(value: NativeValue): void {
  if (typeof value !== 'object' || value === null) return
  if (isNativeTensor(value)) value.dispose()
  else if (Array.isArray(value)) value.forEach(discardNative)
  else for (const entry of value as Map<NativeValue, NativeValue>) entry.forEach(discardNative)
}
