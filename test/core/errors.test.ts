import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { expect, test, vi } from 'vitest'
import { describe as describeValue } from '../../lib/core/describe.js'
import {
  createNativeError,
  type ErrorCode,
  errorTable,
  invalidArgument,
  LibtorchError,
  OutOfMemoryError,
  TorchError,
  torchError,
} from '../../lib/core/errors.js'
import { sourceFiles } from '../support/source-files.js'

const root = new URL('../../', import.meta.url)
const codes = Object.keys(errorTable) as ErrorCode[]

test('ERRORS.md lists the error table, row for row', () => {
  const documented = readFileSync(new URL('ERRORS.md', root), 'utf8')
    .split('\n')
    .map((line) => /^\| `(\w+)` \| `(\w+)` \| (yes|no) \| (.*) \|$/.exec(line))
    .flatMap((row) => (row ? [{ code: row[1], class: row[2], retryable: row[3] === 'yes', meaning: row[4] }] : []))
  expect(documented).toEqual(Object.entries(errorTable).map(([code, row]) => ({ code, ...row })))
})

test('every code of the table is thrown somewhere, and every code in the sources is in the table', () => {
  const used = new Set<string>()
  for (const { path, text } of sourceFiles('lib', 'native')) {
    if (path === 'lib/core/errors.ts') continue
    // Comments name codes too, but throw nothing.
    const program = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '')
    for (const [code] of program.matchAll(/ERR_TORCH_[A-Z_]+[A-Z]/g)) used.add(code)
  }
  const made = ['ERR_TORCH_INVALID_ARGUMENT', 'ERR_TORCH_INTERNAL'] // by factories of errors.ts itself
  expect([...used, ...made].filter((code) => !(code in errorTable))).toEqual([])
  expect(codes.filter((code) => !used.has(code) && !made.includes(code))).toEqual([])
})

test.each(codes)('%s makes an error of its class that carries everything it was given', (code) => {
  const cause = new Error('underneath')
  const error = torchError(code, 'why', { operation: 'Module.load', details: { path: 'x' }, cause })
  expect(error).toMatchObject({ code, message: 'why', operation: 'Module.load', details: { path: 'x' }, cause })
  expect(error.name).toBe(errorTable[code].class)
  expect(error.retryable).toBe(errorTable[code].retryable)
  expect(error instanceof TorchError && error instanceof Error).toBe(true)
  expect(error instanceof OutOfMemoryError).toBe(errorTable[code].class === 'OutOfMemoryError')
  expect(error instanceof LibtorchError).toBe(errorTable[code].class === 'LibtorchError')
})

test('the first line of the stack and the inspected error show class and code', () => {
  const error = torchError('ERR_TORCH_OUT_OF_MEMORY', 'too much')
  expect(error.stack?.split('\n')[0]).toBe('OutOfMemoryError [ERR_TORCH_OUT_OF_MEMORY]: too much')
  expect(error.stack).toContain('errors.test.ts')
  expect(inspect(error)).toMatch(/^OutOfMemoryError \[ERR_TORCH_OUT_OF_MEMORY\]: too much/)
  expect(Object.keys(error)).toEqual(['code'])
})

test('instanceof recognizes errors of a second copy of the package, and subclasses of a user stay apart', async () => {
  vi.resetModules()
  const copy = await import('../../lib/core/errors.js')
  expect(copy.TorchError).not.toBe(TorchError)
  const foreign = copy.torchError('ERR_TORCH_OUT_OF_MEMORY', 'x')
  expect(foreign instanceof TorchError && foreign instanceof OutOfMemoryError).toBe(true)
  expect(foreign instanceof LibtorchError).toBe(false)
  class Mine extends TorchError {}
  expect(foreign instanceof Mine).toBe(false)
  expect(new Mine('ERR_TORCH_SHAPE', 'x') instanceof Mine).toBe(true)
  for (const value of [null, undefined, 1, 'x', {}, new Error('x'), () => 1])
    expect(value instanceof TorchError).toBe(false)
})

const throwing = () => {
  throw new Error('a trap ran')
}
const hostile = new Proxy(
  {},
  { get: throwing, has: throwing, ownKeys: throwing, getPrototypeOf: throwing, getOwnPropertyDescriptor: throwing },
)

test.each([
  ['a string', 'abc', "'abc'"],
  ['minus zero', -0, '-0'],
  ['a bigint', 12n, '12n'],
  ['undefined', undefined, 'undefined'],
  ['a symbol', Symbol('s'), 'Symbol(s)'],
  ['a nested object', { a: { b: 1 } }, '{ a: [Object] }'],
  [
    'an object with a throwing getter',
    Object.defineProperty({}, 'a', { get: throwing, enumerable: true }),
    '{ a: [Getter] }',
  ],
  [
    'an object with a throwing tag',
    Object.defineProperty({}, Symbol.toStringTag, { get: throwing }),
    /^\{\}$|type object that throws/,
  ],
  ['an object with a throwing inspector', { [inspect.custom]: throwing }, /inspect\.custom/],
  ['a proxy with throwing traps', hostile, /^(Proxy\()?\{\}\)?$/],
  ['an array with a getter', Object.defineProperty([1], 1, { get: throwing }), '[ 1, [Getter] ]'],
  ['a long array', new Array(1000).fill(1), '[ 1, 1, 1, 1, 1, 1, ... 994 more items ]'],
  ['a long string', 'x'.repeat(10_000), /^'x{60}'\.\.\. 9940 more characters$/],
])('describes %s in one short line', (_, value, wanted) => {
  const text = describeValue(value)
  if (typeof wanted === 'string') expect(text).toBe(wanted)
  else expect(text).toMatch(wanted)
  expect(text.length).toBeLessThan(110)
  expect(text).not.toContain('\n')
  expect(invalidArgument('x', 'a tensor', value)).toMatchObject({
    code: 'ERR_TORCH_INVALID_ARGUMENT',
    message: `Expected a tensor for x but received ${text}`,
  })
})

test('a program whose Error.prepareStackTrace throws gets its errors all the same', () => {
  const { prepareStackTrace } = Error
  Error.prepareStackTrace = () => {
    throw new Error('hook')
  }
  try {
    const error = createNativeError('ERR_TORCH_OPERATOR', 'boom', 'ops.mm', '')
    expect([error.code, error.message, error.name]).toEqual(['ERR_TORCH_OPERATOR', 'boom', 'TorchError'])
  } finally {
    Error.prepareStackTrace = prepareStackTrace
  }
})

test('native failures keep code, operation and trace; an unknown code is an internal error that names it', () => {
  const failed = createNativeError('ERR_TORCH_MODULE_RUN', 'boom', 'Module.forward', 'Traceback ...')
  expect(failed).toMatchObject({ code: 'ERR_TORCH_MODULE_RUN', message: 'boom', operation: 'Module.forward' })
  expect(failed.details).toEqual({ trace: 'Traceback ...' })
  expect(Object.keys(createNativeError('ERR_TORCH_SHAPE', 'x', '', ''))).toEqual(['code'])
  for (const unknown of ['ERR_TORCH_WHAT', 'toString', '']) {
    expect(createNativeError(unknown, 'x', '', '')).toMatchObject({
      code: 'ERR_TORCH_INTERNAL',
      message: `x (${unknown})`,
    })
  }
})
