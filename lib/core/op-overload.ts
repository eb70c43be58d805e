import type { NativeValue } from '../../binding.js'
import { executionOptionNames } from './execution.js'
import { type ArgumentReader, argumentReader } from './op-arguments.js'
import { type OperatorArgument, parseSchema } from './op-schema.js'
import { isPlainObject } from './plain-object.js'

export interface Parameter extends ArgumentReader {
  name: string
  position: number | undefined
  required: boolean
  hidden: boolean
  nativeFallback: NativeValue
}

/** One overload, prepared for many calls. */
export interface Overload {
  name: string
  overload: string
  /** For messages: `ops.add(input: a Tensor, other: a Tensor, { alpha?, ... })`. */
  signature: string
  parameters: Parameter[]
  positional: Parameter[]
  options: ReadonlyMap<string, Parameter>
  requiredOptions: Parameter[]
  /** It has an argument of its own for the generator that it draws from. */
  takesGenerator: boolean
  /** The keys of the result; undefined where the results have no names. */
  resultNames: string[] | undefined
}

function toParameter(argument: OperatorArgument): Parameter {
  const { name, position, required, hidden, fallback } = argument
  const reader = argumentReader(argument)
  const nativeFallback = fallback === undefined ? undefined : reader.toNative(fallback)
  return { ...reader, name, position, required, hidden, nativeFallback }
}

function describeSignature(publicName: string, positional: Parameter[], options: Iterable<Parameter>): string {
  const keys = [...options].map(({ name, required }) => (required ? name : `${name}?`))
  const parts = positional.map(({ name, expected }) => `${name}: ${expected}`)
  return `ops.${publicName}(${[...parts, `{ ${[...keys, '...'].join(', ')} }`].join(', ')})`
}

/** Prepares one line of op-schemas.ts. */
export function compileOverload(text: string): Overload {
  const schema = parseSchema(text)
  const parameters = schema.arguments.map(toParameter)
  const positional = parameters.filter(({ position }) => position !== undefined)
  const optional = parameters.filter(({ position, hidden }) => position === undefined && !hidden)
  const names = schema.returns.map(({ name }) => name)
  return {
    name: schema.name,
    overload: schema.overload,
    signature: describeSignature(schema.publicName, positional, optional),
    parameters,
    positional,
    options: new Map(optional.map((parameter) => [parameter.name, parameter])),
    requiredOptions: optional.filter(({ required }) => required),
    takesGenerator: schema.arguments.some(({ type }) => type.base === 'Generator'),
    resultNames: names.every((name) => name !== undefined) ? names : undefined,
  }
}

export type CallOptions = Readonly<Record<string, unknown>>

export function acceptsPositional({ positional }: Overload, args: readonly unknown[]): boolean {
  if (args.length !== positional.length) {
    if (args.length !== positional.length + 1) return false
    const options = args[positional.length]
    if (options !== undefined && !isPlainObject(options)) return false
  }
  for (let i = 0; i < positional.length; i++) {
    if (!(positional[i] as Parameter).accepts(args[i])) return false
  }
  return true
}

/** A value of undefined counts as missing. */
function acceptsOptions({ options, requiredOptions }: Overload, values: CallOptions): boolean {
  for (const key in values) {
    const value = values[key]
    const parameter = options.get(key)
    if (parameter === undefined) {
      if (!executionOptionNames.includes(key)) return false
    } else if (value !== undefined && !parameter.accepts(value)) {
      return false
    }
  }
  for (const { name } of requiredOptions) if (values[name] === undefined) return false
  return true
}

const noOptions: CallOptions = {}

/** The options object of a call that `acceptsPositional`. */
export function optionsOf({ positional }: Overload, args: readonly unknown[]): CallOptions {
  return (args[positional.length] as CallOptions | undefined) ?? noOptions
}

export function accepts(overload: Overload, args: readonly unknown[]): boolean {
  return acceptsPositional(overload, args) && acceptsOptions(overload, optionsOf(overload, args))
}

/** The arguments of an accepted call in the dispatcher's order; undefined takes the schema's default. */
export function nativeArguments(overload: Overload, args: readonly unknown[]): NativeValue[] {
  const options = optionsOf(overload, args)
  return overload.parameters.map(({ name, position, hidden, nativeFallback, toNative }) => {
    const value = position !== undefined ? args[position] : hidden ? undefined : options[name]
    return value === undefined ? nativeFallback : toNative(value)
  })
}
