import type { NativeValue } from '../../binding.js'
import { type Generator, isGenerator, nativeGenerator } from './generator.js'
import type { ArgumentType, OperatorArgument } from './op-schema.js'
import { isTensor, nativeTensor, type Tensor } from './tensor.js'

/** How one argument of an operator is checked and handed over. */
export interface ArgumentReader {
  /** What the sentence "Expected ... for <name>" says. */
  expected: string
  accepts(value: unknown): boolean
  /** Only for a value that was accepted. */
  toNative(value: unknown): NativeValue
}

// Integers beyond 2^53 would have been rounded before they came here.
const isInteger = (value: unknown) => Number.isSafeInteger(value)
const isNumber = (value: unknown) => typeof value === 'number'
const isString = (value: unknown) => typeof value === 'string'

const checks: Record<ArgumentType['base'], { one: string; many: string; accepts(value: unknown): boolean }> = {
  Tensor: { one: 'a Tensor', many: 'Tensors', accepts: isTensor },
  Scalar: {
    one: 'a number, bigint or boolean',
    many: 'numbers',
    accepts: (value) => typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean',
  },
  int: { one: 'an integer', many: 'integers', accepts: isInteger },
  float: { one: 'a number', many: 'numbers', accepts: isNumber },
  bool: { one: 'a boolean', many: 'booleans', accepts: (value) => typeof value === 'boolean' },
  str: { one: 'a string', many: 'strings', accepts: isString },
  Generator: { one: 'a Generator', many: 'Generators', accepts: isGenerator },
  ScalarType: { one: "a dtype such as 'float32'", many: 'dtypes', accepts: isString },
  Device: { one: "a device such as 'cpu'", many: 'devices', accepts: isString },
  MemoryFormat: { one: "'contiguous', 'channelsLast' or 'preserve'", many: 'memory formats', accepts: isString },
  Layout: { one: 'a layout', many: 'layouts', accepts: isString },
}

/** Handles are unwrapped; plain values are read by the addon, at the time of the call. */
function elementToNative(base: ArgumentType['base']): (value: unknown) => NativeValue {
  if (base === 'Tensor') return (value) => (value === null ? null : nativeTensor(value as Tensor))
  if (base === 'Generator') return (value) => (value === null ? null : nativeGenerator(value as Generator))
  return (value) => value as NativeValue
}

function wordReader(words: readonly string[], asIndex: boolean): ArgumentReader {
  return {
    expected: words.map((word) => `'${word}'`).join(' or '),
    accepts: (value) => words.includes(value as string),
    toNative: (value) => (asIndex ? words.indexOf(value as string) : (value as string)),
  }
}

function listReader(type: ArgumentType, { size, nullableElements }: NonNullable<ArgumentType['list']>): ArgumentReader {
  const { one, many, accepts } = checks[type.base]
  const toElement = elementToNative(type.base)
  const isList = (value: unknown) => {
    if (!Array.isArray(value)) return false
    for (let i = 0; i < value.length; i++) {
      if (!accepts(value[i]) && !(nullableElements && value[i] === null)) return false
    }
    return true
  }
  const toList = (value: unknown) => (type.base === 'Tensor' ? (value as unknown[]).map(toElement) : toElement(value))
  const array = `an array of ${nullableElements ? `${many} or nulls` : many}`
  if (size === undefined) return { expected: array, accepts: isList, toNative: toList }
  return {
    expected: `${one} or ${array}`,
    accepts: (value) => accepts(value) || isList(value),
    toNative: (value) => (Array.isArray(value) ? toList(value) : new Array(size).fill(value)),
  }
}

function typeReader({ type, words }: OperatorArgument): ArgumentReader {
  if (words !== undefined) return wordReader(words, type.base === 'int')
  if (type.list !== undefined) return listReader(type, type.list)
  const { one, accepts } = checks[type.base]
  return { expected: one, accepts, toNative: elementToNative(type.base) }
}

export function argumentReader(argument: OperatorArgument): ArgumentReader {
  const reader = typeReader(argument)
  if (!argument.type.nullable) return reader
  const { expected, accepts, toNative } = reader
  return {
    expected: `${expected} or null`,
    accepts: (value) => value === null || accepts(value),
    toNative: (value) => (value === null ? null : toNative(value)),
  }
}
