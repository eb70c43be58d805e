import { createRequire } from 'node:module'
import type * as Zod from 'zod'
import { isAbortSignal } from './abort.js'
import { describe } from './describe.js'
import { invalidArgument, readSafely, type TorchError, torchError } from './errors.js'
import { nearestName } from './nearest-name.js'
import { isPlainObject } from './plain-object.js'

/** Builds the schema when options are parsed for the first time: zod costs 40 ms that a bare import need not pay. */
export type OptionsSchema<Shape extends Zod.core.$ZodShape = Zod.core.$ZodShape> = () => Zod.ZodObject<
  Shape,
  Zod.core.$strict
>

/** What a caller may pass, for a schema `s`: `OptionsInput<typeof s>`. */
export type OptionsInput<S extends OptionsSchema> = Zod.input<ReturnType<S>>
/** What the parser returns: defaults filled in. */
export type OptionsOutput<S extends OptionsSchema> = Zod.output<ReturnType<S>>

/**
 * Declares the options of a verb: `const warmupOptions = defineOptions((z) => ({ runs: z.int().min(1).default(3) }))`.
 * A field's own error text (`z.string({ error: 'a device name' })`, `.refine(isDevice, 'a device name')`) is what
 * "Expected" is followed by in the message.
 */
export function defineOptions<Shape extends Zod.core.$ZodShape>(
  shape: (z: typeof Zod.z) => Shape,
): OptionsSchema<Shape> {
  let schema: Zod.ZodObject<Shape, Zod.core.$strict> | undefined
  return () => {
    if (schema === undefined) {
      const { z } = createRequire(import.meta.url)('zod') as typeof Zod
      schema = z.strictObject(shape(z))
    }
    return schema
  }
}

/** ERR_TORCH_UNKNOWN_OPTION: names the nearest of `known` and lists them. */
export function unknownOption(name: string, known: readonly string[], verb: string): TorchError {
  const nearest = nearestName(name, known)
  const hint = nearest === undefined ? '' : ` (did you mean ${nearest}?)`
  const list = known.length === 0 ? 'no options' : `the options ${known.join(', ')}`
  const message = `Expected ${list} for ${verb} but received ${describe(name)}${hint}`
  return torchError('ERR_TORCH_UNKNOWN_OPTION', message, { operation: verb, details: { option: name, nearest } })
}

function notAnObject(options: unknown, verb: string): TorchError {
  return invalidArgument(`the options of ${verb}`, 'an object', options, { operation: verb })
}

/** Own and inherited enumerable values, each read once; a value of undefined counts as missing. */
function readOptions(options: unknown, verb: string): Record<string, unknown> {
  if (options === undefined) return {}
  if (typeof options !== 'object' || options === null || Array.isArray(options) || ArrayBuffer.isView(options)) {
    throw notAnObject(options, verb)
  }
  const values: Record<string, unknown> = {}
  let isEmpty = true
  for (const key in options) {
    isEmpty = false
    const value = (options as Record<string, unknown>)[key]
    if (value !== undefined) values[key] = value
  }
  // A Map, a Tensor or a Date holds no options, whatever its caller thinks.
  if (isEmpty && !isPlainObject(options)) throw notAnObject(options, verb)
  return values
}

type RawIssue = Zod.core.$ZodRawIssue

const typePhrases: Record<string, string> = { array: 'an array', int: 'an integer', object: 'an object' }

function limitPhrase(issue: RawIssue & { code: 'too_small' | 'too_big' }): string {
  const [sign, limit] = issue.code === 'too_small' ? ['>', issue.minimum] : ['<', issue.maximum]
  const bound = `${sign}${issue.inclusive === false ? '' : '='} ${limit}`
  if (issue.origin === 'string') return `a string of length ${bound}`
  if (issue.origin === 'array') return `an array of length ${bound}`
  return `${issue.origin === 'int' ? 'an integer' : 'a number'} ${bound}`
}

/** What a value should have been; zod's own sentence where there is no phrase. */
function expectedPhrase(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return typePhrases[issue.expected] ?? `${/^[aeiou]/i.test(issue.expected) ? 'an' : 'a'} ${issue.expected}`
    case 'invalid_value':
      return issue.values.map(describe).join(' or ')
    case 'too_small':
    case 'too_big':
      return limitPhrase(issue)
    case 'invalid_union':
      return [...new Set(issue.errors.flatMap((branch) => branch.slice(0, 1)).map(({ message }) => message))].join(
        ' or ',
      )
    default:
      return undefined
  }
}

function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  let value = values
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key]
  return value
}

function pathText(path: readonly PropertyKey[]): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${String(key)}`)).join('')
}

function parse<S extends OptionsSchema>(schema: S, options: unknown, verb: string): OptionsOutput<S> {
  const values = readOptions(options, verb)
  let known: string[] = []
  const error = (issue: RawIssue) => {
    if (issue.code !== 'unrecognized_keys') return expectedPhrase(issue)
    known = Object.keys((issue.inst as Zod.core.$ZodObject)._zod.def.shape)
    return undefined
  }
  const result = schema().safeParse(values, { error })
  if (result.success) return result.data as OptionsOutput<S>
  for (const issue of result.error.issues) {
    if (issue.code === 'unrecognized_keys') {
      const at = issue.path.length === 0 ? verb : `${pathText(issue.path)} of ${verb}`
      throw unknownOption(issue.keys[0] ?? '', known, at)
    }
  }
  const [{ message, path } = { message: 'other options', path: [] }] = result.error.issues
  throw invalidArgument(`${pathText(path)} of ${verb}`, message, valueAt(values, path), { operation: verb })
}

/**
 * Parses the options of a public verb: strict, defaults filled in, undefined values as missing.
 * Throws ERR_TORCH_UNKNOWN_OPTION and ERR_TORCH_INVALID_ARGUMENT.
 */
export function parseOptions<S extends OptionsSchema>(schema: S, options: unknown, verb: string): OptionsOutput<S> {
  const given = {
    name: `the options of ${verb}`,
    expected: 'an object that can be read',
    actual: options,
    operation: verb,
  }
  return readSafely(given, () => parse(schema, options, verb))
}

/** What the value of one option should have been, 'an integer >= 0'; undefined where it may be the option's. */
export function expectedInstead<S extends OptionsSchema>(
  schema: S,
  option: keyof OptionsInput<S> & string,
  value: unknown,
): string | undefined {
  const field = schema().shape[option] as unknown as Zod.ZodType
  return field.safeParse(value, { error: expectedPhrase }).error?.issues[0]?.message
}

/** The field of every `signal` option. */
export const signalField = (z: typeof Zod.z) => z.custom<AbortSignal>(isAbortSignal, 'an AbortSignal').optional()

const signalOptions = defineOptions((z) => ({ signal: signalField(z) }))

/** The options of a verb that has no others. */
export interface SignalOptions {
  /** Rejects with `signal.reason`, at once. Work that has begun ends unseen. */
  signal?: AbortSignal | undefined
}

/** Parses the options of a verb that has only this one. */
export function signalOf(options: SignalOptions | undefined, verb: string): AbortSignal | undefined {
  return options === undefined ? undefined : parseOptions(signalOptions, options, verb).signal // without zod
}
