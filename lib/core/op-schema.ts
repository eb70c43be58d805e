import {
  argumentWords,
  hiddenArguments,
  publicArgumentName,
  publicOperatorName,
  pythonDefaults,
} from './op-conventions.js'

const baseTypes = [
  'Tensor',
  'Scalar',
  'int',
  'float',
  'bool',
  'str',
  'Generator',
  'ScalarType',
  'Device',
  'Layout',
  'MemoryFormat',
] as const
type BaseType = (typeof baseTypes)[number]

export interface ArgumentType {
  base: BaseType
  nullable: boolean
  /** Missing for a single value. `size` 2 is `int[2]`: one number stands for two. */
  list?: { size: number | undefined; nullableElements: boolean }
}

export interface OperatorArgument {
  /** The public name, such as ignoreIndex. */
  name: string
  /** The schema's name, such as ignore_index. */
  atenName: string
  type: ArgumentType
  /** The index among the positional arguments; undefined for an option. */
  position: number | undefined
  required: boolean
  /** Callers cannot set it. */
  hidden: boolean
  /** The words that callers use instead of the numbers or strings of the schema. */
  words: readonly string[] | undefined
  /** What is passed where the caller gave nothing; undefined leaves it to the schema's own default. */
  fallback: number | boolean | string | null | undefined
}

/** One overload of an operator: `softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor`. */
export interface OperatorSchema {
  text: string
  /** ATen's name, such as log_softmax. */
  name: string
  overload: string
  /** The name in `ops`, such as logSoftmax. */
  publicName: string
  /** In the dispatcher's order. */
  arguments: OperatorArgument[]
  returns: { type: ArgumentType; name: string | undefined }[]
}

/** Splits at the commas that stand outside of brackets, as in `int[2] stride=[1, 1], bool flag`. */
function splitList(text: string): string[] {
  return text === '' ? [] : text.split(/, (?![^[]*\])/)
}

/** `Tensor(a!)`, `Tensor?[]`, `SymInt[2]?`: what stands in round brackets is aliasing, which callers need not know. */
function parseType(text: string): ArgumentType {
  const match = /^(\w+)(?:\([^)]*\))?(\?)?(?:\[(\d*)\])?(\?)?$/.exec(text)
  const base = baseTypes.find((known) => known === match?.[1]?.replace('SymInt', 'int'))
  if (match === null || base === undefined)
    throw new TypeError(`Expected a type of ATen's schemas but received ${text}`)
  const [, , first, size, last] = match
  if (size === undefined) return { base, nullable: first !== undefined }
  const list = { size: size === '' ? undefined : Number(size), nullableElements: first !== undefined }
  return { base, nullable: last !== undefined, list }
}

interface Declaration {
  type: ArgumentType
  atenName: string
  hasDefault: boolean
  keywordOnly: boolean
}

function parseDeclarations(text: string): Declaration[] {
  const parts = splitList(text)
  const star = parts.indexOf('*')
  return parts.flatMap((part, index) => {
    if (index === star) return []
    const match = /^(.+?) (\w+)(=.*)?$/.exec(part)
    if (match === null) throw new TypeError(`Expected an argument of an ATen schema but received ${part}`)
    const [, type = '', atenName = '', defaultText] = match
    const keywordOnly = star !== -1 && index > star
    return [{ type: parseType(type), atenName, hasDefault: defaultText !== undefined, keywordOnly }]
  })
}

/** Required arguments are positional, in the schema's order; what has a default or is keyword-only is an option. */
function toArguments(declarations: Declaration[], defaults: (typeof pythonDefaults)[string]): OperatorArgument[] {
  let positions = 0
  return declarations.map(({ type, atenName, hasDefault, keywordOnly }) => {
    const fallback = defaults[atenName]
    const required = !hasDefault && fallback === undefined
    const hidden = hiddenArguments.has(atenName)
    const position = required && !keywordOnly ? positions++ : undefined
    const words = argumentWords[atenName]
    return { name: publicArgumentName(atenName), atenName, type, position, required, hidden, words, fallback }
  })
}

function parseReturns(text: string): OperatorSchema['returns'] {
  const parts = text.startsWith('(') ? splitList(text.slice(1, -1)) : [text]
  return parts.map((part) => {
    const match = /^(\S+)(?: (\w+))?$/.exec(part.replace(/\([^)]*\)/, ''))
    return { type: parseType(match?.[1] ?? part), name: match?.[2] }
  })
}

/** Parses one line of op-schemas.ts; throws a TypeError for text that is none of ATen's schemas. */
export function parseSchema(text: string): OperatorSchema {
  const match = /^(\w+)(?:\.(\w+))?\((.*)\) -> (.+)$/.exec(text)
  if (match === null) throw new TypeError(`Expected the schema of an ATen operator but received ${text}`)
  const [, name = '', overload = '', declarations = '', returns = ''] = match
  const defaults = pythonDefaults[overload === '' ? name : `${name}.${overload}`] ?? {}
  return {
    text,
    name,
    overload,
    publicName: publicOperatorName(name),
    arguments: toArguments(parseDeclarations(declarations), defaults),
    returns: parseReturns(returns),
  }
}
