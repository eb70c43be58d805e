import { invalidArgument, type TorchError } from './errors.js'
import { executionOptionNames } from './execution.js'
import { acceptsPositional, type CallOptions, type Overload, optionsOf } from './op-overload.js'
import { unknownOption } from './options.js'
import { isPlainObject } from './plain-object.js'

function unknownKey(overloads: readonly Overload[], options: CallOptions, verb: string): TorchError | undefined {
  const known = new Set(overloads.flatMap((overload) => [...overload.options.keys()]).concat(executionOptionNames))
  for (const key in options) if (!known.has(key)) return unknownOption(key, [...known], verb)
  return undefined
}

/** Says which argument keeps this overload from being the called one. */
function mismatchWith(overload: Overload, args: readonly unknown[], verb: string): TorchError {
  const refuse = (name: string, expected: string, actual: unknown) =>
    invalidArgument(`${name} of ${verb}`, expected, actual, { operation: verb })
  const { positional, options, requiredOptions, signature } = overload
  const surplus = args.length - positional.length
  if (surplus < 0 || surplus > 1) return refuse('the arguments', signature, args)
  for (const [index, { name, expected, accepts }] of positional.entries()) {
    if (!accepts(args[index])) return refuse(name, expected, args[index])
  }
  const last = args[positional.length]
  if (last !== undefined && !isPlainObject(last)) return refuse('the options', 'a plain object', last)
  const values = optionsOf(overload, args)
  for (const { name, expected } of requiredOptions) {
    if (values[name] === undefined) return refuse(name, expected, undefined)
  }
  for (const { name, expected, accepts } of options.values()) {
    const value = values[name]
    if (value !== undefined && !accepts(value)) return refuse(name, expected, value)
  }
  return refuse('the options', 'values that stay the same when they are read again', values)
}

/** The error for a call that no overload accepts: as exact as the arguments allow, else it lists the overloads. */
export function mismatch(overloads: readonly Overload[], args: readonly unknown[], verb: string): TorchError {
  const near = overloads.filter((overload) => acceptsPositional(overload, args))
  const [one] = near
  const unknownTo = (some: readonly Overload[]) => one && unknownKey(some, optionsOf(one, args), verb)
  const unknown = unknownTo(near)
  if (unknown !== undefined) return unknown
  const nearest = near.filter((overload) => unknownTo([overload]) === undefined)
  const likely = [nearest, near, overloads].find(({ length }) => length > 0) ?? []
  const [first] = likely
  if (first !== undefined && likely.length === 1) return mismatchWith(first, args, verb)
  const signatures = likely.map(({ signature }) => signature).join(' or ')
  return invalidArgument(`the arguments of ${verb}`, signatures, args, { operation: verb })
}
