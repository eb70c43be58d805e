import type { NativeValue } from '../../binding.js'
import { nameOperation, readSafely, torchError } from './errors.js'
import { type ExecutionOptions, execute } from './execution.js'
import { native } from './native.js'
import { publicOperatorName } from './op-conventions.js'
import { mismatch } from './op-mismatch.js'
import { accepts, compileOverload, nativeArguments, type Overload, optionsOf } from './op-overload.js'
import { opSchemas } from './op-schemas.js'
import type { Operators } from './ops.generated.js'
import type { Value } from './value.js'

/** An overload with the native number that it has in this process, known from its first call on. */
type Candidate = Overload & { number?: number }

function operatorNumber(candidate: Candidate, verb: string): number {
  if (candidate.number !== undefined) return candidate.number
  const { name, overload } = candidate
  const number = native().findOperator(name, overload)
  if (number === null) {
    const operator = overload === '' ? `aten::${name}` : `aten::${name}.${overload}`
    const message = `Expected a libtorch with the operator ${operator} for ${verb} but received ${native().build().torch}`
    throw torchError('ERR_TORCH_OPERATOR', message, { operation: verb, details: { operator } })
  }
  candidate.number = number
  return number
}

interface PreparedCall {
  candidate: Candidate
  values: NativeValue[]
  execution: ExecutionOptions | undefined
}

/** What execution.ts should read; undefined, the fast path, where nothing of it is set. */
function executionOptions({ takesGenerator }: Candidate, options: ExecutionOptions): ExecutionOptions | undefined {
  const { gradMode, autocast, signal } = options
  // A generator that is an argument must not replace the default one as well.
  const generator = takesGenerator ? undefined : options.generator
  if (gradMode === undefined && autocast === undefined && generator === undefined && signal === undefined) {
    return undefined
  }
  return { gradMode, autocast, generator, signal }
}

function prepare(candidates: Candidate[], args: readonly unknown[], verb: string): PreparedCall {
  const candidate = candidates.find((overload) => accepts(overload, args))
  if (candidate === undefined) throw mismatch(candidates, args, verb)
  const values = nativeArguments(candidate, args)
  const execution = executionOptions(candidate, optionsOf(candidate, args) as ExecutionOptions)
  return { candidate, values, execution }
}

function prepareSafely(candidates: Candidate[], args: readonly unknown[], verb: string): PreparedCall {
  try {
    const given = { name: `the arguments of ${verb}`, expected: 'values that can be read', actual: args }
    return readSafely(given, () => prepare(candidates, args, verb))
  } catch (error) {
    nameOperation(error, verb)
    throw error
  }
}

async function call(candidates: Candidate[], args: readonly unknown[], verb: string): Promise<unknown> {
  const { candidate, values, execution } = prepareSafely(candidates, args, verb)
  const number = operatorNumber(candidate, verb)
  const result = await execute(verb, execution, (context) => native().callOperator(number, context, ...values))
  if (candidate.resultNames === undefined) return result
  const results = result as Value[]
  return Object.fromEntries(candidate.resultNames.map((name, index) => [name, results[index]]))
}

/** The function for one name of `ops`: its overloads in the order in which they are tried. */
export function createOperator(publicName: string, schemas: readonly string[]) {
  const verb = `ops.${publicName}`
  let candidates: Candidate[] | undefined
  const operator = (...args: unknown[]) => {
    candidates ??= schemas.map(compileOverload) // when first called: a bare import stays cheap
    return call(candidates, args, verb)
  }
  return Object.defineProperty(operator, 'name', { value: publicName })
}

function createOperators(): Operators {
  const schemas = new Map<string, string[]>()
  for (const text of opSchemas) {
    const name = publicOperatorName(text.slice(0, text.search(/[.(]/)))
    schemas.set(name, [...(schemas.get(name) ?? []), text])
  }
  const entries = [...schemas].map(([name, texts]) => [name, createOperator(name, texts)] as const)
  return Object.fromEntries(entries) as unknown as Operators // the generated types are what the schemas say
}

/** One function per operator of op-schemas.ts; the overload that fits the arguments is the one that runs. */
export const operators: Operators = createOperators()
