import { projectName, type WheelMachine } from './wheel-name.js'
import { parseVersion, satisfies } from './wheel-version.js'

/** One `Requires-Dist` line of a wheel's metadata (PEP 508). */
export interface Requirement {
  project: string
  extras: string[]
  /** Such as '<14,>=13.0.88'; '' takes every version. */
  specifier: string
  /** Such as `platform_system == "Linux"`; '' always applies. */
  marker: string
}

/** undefined for what has another form, such as an address. */
export function parseRequirement(text: string): Requirement | undefined {
  const match = /^([\w.-]+)\s*(?:\[([^\]]*)\])?\s*\(?([^;@()]*)\)?\s*(?:;(.*))?$/.exec(text.trim())
  const [, name, extras = '', specifier = '', marker = ''] = match ?? []
  if (name === undefined) return undefined
  const names = extras.split(',').map((extra) => projectName(extra.trim()))
  return {
    project: projectName(name),
    extras: names.filter((extra) => extra !== ''),
    specifier: specifier.trim(),
    marker: marker.trim(),
  }
}

/** The variables of markers, on Linux under the Python that a wheel was made for. */
export function markerVariables(machine: WheelMachine, pythonTag: string): Record<string, string> {
  const [, major = '3', minor = '12'] = /^[a-z]+(\d)(\d+)/.exec(pythonTag) ?? []
  return {
    os_name: 'posix',
    sys_platform: 'linux',
    platform_system: 'Linux',
    platform_machine: machine.architecture,
    platform_python_implementation: 'CPython',
    implementation_name: 'cpython',
    python_version: `${major}.${minor}`,
    python_full_version: `${major}.${minor}.0`,
  }
}

const token = /\s*(?:(\(|\)|===?|~=|!=|<=|>=|<|>)|(and|or|not\s+in|in)\b|'([^']*)'|"([^"]*)"|([\w.]+))/y

type Token = { symbol: string } | { text: string } | { variable: string }

function tokens(marker: string): Token[] {
  const list: Token[] = []
  token.lastIndex = 0
  while (token.lastIndex < marker.trimEnd().length) {
    const match = token.exec(marker)
    if (match === null) throw new SyntaxError(`no marker: ${marker}`)
    const [, sign, word, single, double, variable] = match
    if (variable !== undefined) list.push({ variable })
    else if (sign !== undefined || word !== undefined) list.push({ symbol: sign ?? (word ?? '').replace(/\s+/, ' ') })
    else list.push({ text: single ?? double ?? '' })
  }
  return list
}

function compare(left: string, operator: string, right: string): boolean {
  if (operator === 'in') return right.includes(left)
  if (operator === 'not in') return !right.includes(left)
  const version = parseVersion(left)
  if (version !== undefined && parseVersion(right) !== undefined) return satisfies(version, `${operator}${right}`)
  return operator === '!=' ? left !== right : operator.startsWith('==') && left === right
}

/** Recursive descent: or, and, then a comparison or a parenthesis. */
class MarkerReader {
  readonly #tokens: Token[]
  readonly #variables: Record<string, string>

  constructor(marker: string, variables: Record<string, string>) {
    this.#tokens = tokens(marker)
    this.#variables = variables
  }

  #accept(symbol: string): boolean {
    const next = this.#tokens[0]
    if (next === undefined || !('symbol' in next) || next.symbol !== symbol) return false
    this.#tokens.shift()
    return true
  }

  #operand(): string {
    const next = this.#tokens.shift()
    if (next === undefined || 'symbol' in next) throw new SyntaxError('a marker lacks an operand')
    if ('text' in next) return next.text
    return Object.hasOwn(this.#variables, next.variable) ? (this.#variables[next.variable] ?? '') : ''
  }

  #comparison(): boolean {
    if (this.#accept('(')) {
      const value = this.or()
      if (!this.#accept(')')) throw new SyntaxError('a marker lacks a parenthesis')
      return value
    }
    const left = this.#operand()
    const operator = this.#tokens.shift()
    if (operator === undefined || !('symbol' in operator)) throw new SyntaxError('a marker lacks an operator')
    return compare(left, operator.symbol, this.#operand())
  }

  #and(): boolean {
    let value = this.#comparison()
    while (this.#accept('and')) value = this.#comparison() && value
    return value
  }

  or(): boolean {
    let value = this.#and()
    while (this.#accept('or')) value = this.#and() || value
    return value
  }
}

/** Whether the requirement applies for one of `extras`, or without any. SyntaxError for what is no marker. */
export function applies(
  { marker }: Requirement,
  variables: Record<string, string>,
  extras: readonly string[],
): boolean {
  if (marker === '') return true
  return ['', ...extras].some((extra) => new MarkerReader(marker, { ...variables, extra }).or())
}
