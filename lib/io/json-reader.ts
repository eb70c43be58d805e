import { torchError } from '../core/errors.js'

const deepest = 127
const largestInteger = 2n ** 64n - 1n
const escapes: Readonly<Record<string, string>> = {
  ...{ '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' },
}

const isSurrogate = (code: number, first: number) => code >= first && code < first + 0x400

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw torchError('ERR_TORCH_FILE_FORMAT', 'Expected UTF-8 in the header but received other bytes', { cause })
  }
}

/**
 * Reads one JSON text from front to back, as strict as serde_json: UTF-8, no lone surrogates, integers of 64 bits, other
 * numbers in the range of float64, at most 127 levels. Stricter in one point: no object may name a key twice. The twin of native/engine/safetensors_json, which
 * says what JSON.parse cannot, for programs without libtorch. Throws ERR_TORCH_FILE_FORMAT, which says where.
 */
export class JsonReader {
  readonly #text: string
  #position = 0
  #depth = 0

  constructor(bytes: Uint8Array) {
    this.#text = decoded(bytes)
  }

  /** `entry(key)` must read the value that follows. */
  object(entry: (key: string) => void): void {
    this.#open('{', 'an object')
    const keys = new Set<string>()
    for (let first = true; this.#more('}', first); first = false) {
      const key = this.string()
      if (keys.has(key)) this.fail('keys that differ', `'${key}' twice`)
      keys.add(key)
      this.#expect(':')
      entry(key)
    }
  }

  /** `element()` must read one value. */
  array(element: () => void): void {
    this.#open('[', 'an array')
    for (let first = true; this.#more(']', first); first = false) element()
  }

  string(): string {
    if (this.#peek() !== '"') this.#fail('a string')
    this.#position++
    let text = ''
    for (;;) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what a string may not hold
      const plain = this.#match(/[^"\\\u0000-\u001f]*/y)
      text += plain
      const character = this.#text[this.#position]
      if (character === undefined) this.#fail(`'"'`)
      if (character !== '"' && character !== '\\') this.fail('no control character in a string', 'one')
      this.#position++
      if (character === '"') return text
      text += this.#escape()
    }
  }

  /** Digits alone: no sign, fraction or exponent. */
  unsignedInteger(): bigint {
    const expected = 'an integer from 0 to 2^64 - 1'
    if (!/\d/.test(this.#peek())) this.#fail(expected)
    const number = this.#number()
    const value = /^\d+$/.test(number) && number.length <= 20 ? BigInt(number) : largestInteger + 1n
    if (value > largestInteger) this.fail(expected, 'another number')
    return value
  }

  /** Reads a null if that is next. */
  null(): boolean {
    this.#peek()
    return this.#match(/null/y) !== ''
  }

  /** Reads any value. */
  skip(): void {
    const next = this.#peek()
    if (next === '{') this.object(() => this.skip())
    else if (next === '[') this.array(() => this.skip())
    else if (next === '"') this.string()
    else if (this.#match(/null|true|false/y) === '' && !Number.isFinite(Number(this.#number()))) {
      this.fail('a number in the range of float64', 'a larger one')
    }
  }

  /** Nothing but white space may follow. */
  end(): void {
    this.#peek()
    if (this.#position < this.#text.length) this.#fail('the end')
  }

  fail(expected: string, received: string): never {
    const byte = Buffer.byteLength(this.#text.slice(0, this.#position))
    const message = `Expected ${expected} at byte ${byte} of the header but received ${received}`
    throw torchError('ERR_TORCH_FILE_FORMAT', message)
  }

  #fail(expected: string): never {
    const character = this.#text[this.#position]
    if (character === undefined) this.fail(expected, 'its end')
    this.fail(expected, character > ' ' && character < '\x7f' ? `'${character}'` : 'another byte')
  }

  /** Reads what a sticky expression matches here; '' for nothing. */
  #match(expression: RegExp): string {
    expression.lastIndex = this.#position
    const [text = ''] = expression.exec(this.#text) ?? []
    this.#position += text.length
    return text
  }

  /** The next character that is no white space; '' at the end. */
  #peek(): string {
    this.#match(/[ \n\t\r]*/y)
    return this.#text[this.#position] ?? ''
  }

  #expect(wanted: string): void {
    if (this.#peek() !== wanted) this.#fail(`'${wanted}'`)
    this.#position++
  }

  #open(bracket: string, what: string): void {
    if (this.#peek() !== bracket) this.#fail(what)
    if (++this.#depth > deepest) this.fail(`at most ${deepest} levels`, 'another one')
    this.#position++
  }

  /** Whether another item comes before the closing bracket; reads the comma, or the bracket. */
  #more(bracket: string, first: boolean): boolean {
    if (this.#peek() === bracket) {
      this.#position++
      this.#depth--
      return false
    }
    if (first) return true
    this.#expect(',')
    if (this.#peek() === bracket) this.#fail("another item after ','")
    return true
  }

  #escape(): string {
    const letter = this.#text[this.#position] ?? ''
    const known = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined
    if (known === undefined && letter !== 'u') this.#fail('an escape of JSON')
    this.#position++
    if (known !== undefined) return known
    const high = this.#fourHexDigits()
    if (isSurrogate(high, 0xdc00)) this.fail('a pair of surrogates', 'half of one')
    if (!isSurrogate(high, 0xd800)) return String.fromCharCode(high)
    const low = this.#match(/\\u/y) === '' ? 0 : this.#fourHexDigits()
    if (!isSurrogate(low, 0xdc00)) this.fail('a pair of surrogates', 'half of one')
    return String.fromCharCode(high, low)
  }

  #fourHexDigits(): number {
    const digits = this.#match(/[0-9a-fA-F]{0,4}/y)
    if (digits.length < 4) this.#fail('four hexadecimal digits')
    return Number.parseInt(digits, 16)
  }

  #number(): string {
    const sign = this.#match(/-?/y)
    const whole = this.#match(/0|[1-9]\d*/y)
    if (whole === '') this.#fail('a value of JSON')
    if (whole === '0' && /\d/.test(this.#text[this.#position] ?? '')) this.#fail('a number without leading zeros')
    return sign + whole + this.#part(/\./y) + this.#part(/[eE][+-]?/y)
  }

  /** A fraction or an exponent, where there is one. */
  #part(beginning: RegExp): string {
    const begun = this.#match(beginning)
    if (begun === '') return ''
    const digits = this.#match(/\d*/y)
    if (digits === '') this.#fail('a digit')
    return begun + digits
  }
}
