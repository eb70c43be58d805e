import { types } from 'node:util'
import type { NativeValue } from '../../binding.js'
import { describe } from './describe.js'
import { invalidArgument, readSafely } from './errors.js'
import { executionOptionNames } from './execution.js'
import { absolutePath } from './file-path.js'
import { unknownOption } from './options.js'
import { isPlainObject } from './plain-object.js'
import { isTensor, type Tensor } from './tensor.js'
import { toNative, type Value } from './value.js'

/** An absolute path, or bytes; throws ERR_TORCH_INVALID_ARGUMENT. */
export function moduleSource(source: unknown): string | Uint8Array {
  const given = { name: 'source', expected: 'a path, a file: URL or a Uint8Array', actual: source }
  return readSafely({ ...given, operation: 'Module.load' }, () => {
    const path = absolutePath(source)
    if (path !== undefined) return path
    if (!(source instanceof Uint8Array)) {
      throw invalidArgument(given.name, given.expected, source, { operation: 'Module.load' })
    }
    // A Buffer is a view as well; that of a detached buffer throws here.
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
  })
}

/** Throws where the options hold something that `execute` would pass over. */
export function checkOptionNames(options: unknown, operation: string): void {
  if (options === undefined) return
  const given = { name: 'options', expected: 'an object that can be read', actual: options, operation }
  const names = readSafely(given, () => {
    if (!isPlainObject(options)) throw invalidArgument('options', 'a plain object', options, { operation })
    const keys: string[] = []
    for (const key in options) keys.push(key)
    return keys
  })
  const unknown = names.find((name) => !executionOptionNames.includes(name))
  if (unknown !== undefined) throw unknownOption(unknown, executionOptionNames, operation)
}

/** Throws ERR_TORCH_INVALID_ARGUMENT. */
export function stateEntries(tensors: unknown, operation?: string): [string, Tensor][] {
  const expected = 'a Map or an object of tensors by name'
  const given = { name: 'tensors', expected: `${expected} that can be read`, actual: tensors, operation }
  const entries = readSafely(given, (): [string, unknown][] => {
    if (types.isMap(tensors)) return [...(tensors as Map<string, unknown>)]
    if (isPlainObject(tensors)) return Object.entries(tensors)
    throw invalidArgument('tensors', expected, tensors, { operation })
  })
  for (const [name, tensor] of entries) {
    if (!isTensor(tensor)) throw invalidArgument(`tensors[${describe(name)}]`, 'a Tensor', tensor, { operation })
  }
  return entries as [string, Tensor][]
}

/** More than any method has, and few enough for a JS call. */
const maxArguments = 1024

/** Throws ERR_TORCH_INVALID_ARGUMENT for another thing than an array. */
export function toArguments(inputs: unknown): NativeValue[] {
  const args = toNative(inputs as Value[])
  if (Array.isArray(args)) return fewEnough(args)
  throw invalidArgument('inputs', 'an array of arguments', inputs)
}

/** Of our own rest array, which can be read without fear and costs a tenth of a microsecond less. */
export function restArguments(inputs: Value[]): NativeValue[] {
  return fewEnough(inputs).map((input) => toNative(input))
}

function fewEnough<T>(args: T[]): T[] {
  if (args.length <= maxArguments) return args
  throw invalidArgument('inputs', `at most ${maxArguments} arguments`, args)
}

/** One per input; each is checked by the operator that makes its zeros. */
export function readShapes(shapes: unknown): number[][] {
  const read = toNative(shapes as Value)
  if (Array.isArray(read)) return read as number[][]
  throw invalidArgument('shapes', 'an array with one shape per input', shapes)
}
