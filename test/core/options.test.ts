import { expect, expectTypeOf, test } from 'vitest'
import { TorchError } from '../../lib/core/errors.js'
import { nearestName } from '../../lib/core/nearest-name.js'
import {
  defineOptions,
  type OptionsInput,
  type OptionsOutput,
  parseOptions,
  unknownOption,
} from '../../lib/core/options.js'

const schema = defineOptions((z) => ({
  device: z.string({ error: 'a device name' }).optional(),
  runs: z.int().min(1).max(8).default(3),
  rate: z.number().gt(0).optional(),
  mode: z.enum(['fast', 'exact']).optional(),
  names: z.array(z.string()).max(2).optional(),
  size: z.union([z.int(), z.array(z.int())]).optional(),
  nested: z.strictObject({ beta: z.number() }).optional(),
  even: z
    .int()
    .refine((n) => n % 2 === 0, 'an even number')
    .optional(),
}))

function failure(options: unknown): TorchError {
  try {
    parseOptions(schema, options, 'Thing.run')
  } catch (error) {
    if (error instanceof TorchError) return error
    throw error
  }
  throw new Error('Expected parseOptions to throw')
}

test('fills in defaults and treats undefined as missing', () => {
  expect(parseOptions(schema, undefined, 'Thing.run')).toEqual({ runs: 3 })
  const parsed = parseOptions(
    schema,
    { runs: undefined, device: undefined, mode: 'fast', nothing: undefined },
    'Thing.run',
  )
  expect(parsed).toStrictEqual({ runs: 3, mode: 'fast' })
  expectTypeOf<OptionsInput<typeof schema>['runs']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<OptionsOutput<typeof schema>['runs']>().toEqualTypeOf<number>()
})

test('reads inherited options and leaves the object of the caller alone', () => {
  const options = Object.create({ runs: 5 })
  options.device = 'cpu'
  expect(parseOptions(schema, Object.freeze(options), 'Thing.run')).toEqual({ runs: 5, device: 'cpu' })
})

test('builds the schema on the first parse, not before', () => {
  let built = 0
  const lazy = defineOptions((z) => {
    built += 1
    return { a: z.int().optional() }
  })
  expect(built).toBe(0)
  parseOptions(lazy, {}, 'x')
  parseOptions(lazy, { a: 1 }, 'x')
  expect(built).toBe(1)
})

test.each([
  [{ devcie: 'cpu' }, 'devcie', 'device'],
  [{ DEVICE: 'cpu' }, 'DEVICE', 'device'],
  [{ run: 1 }, 'run', 'runs'],
  [{ somethingElse: 1 }, 'somethingElse', undefined],
  [{ runs: 'x', rte: 1 }, 'rte', 'rate'],
  [{ nested: { beta: 1, bta: 1 } }, 'bta', 'beta'],
])('an unknown key of %j is an error that names the nearest one', (options, option, nearest) => {
  const error = failure(options)
  expect(error).toMatchObject({ code: 'ERR_TORCH_UNKNOWN_OPTION', details: { option, nearest } })
  if (nearest === undefined) expect(error.message).not.toContain('did you mean')
  else expect(error.message).toContain(`received '${option}' (did you mean ${nearest}?)`)
})

test('lists the known options', () => {
  const { message } = failure({ q: 1 })
  expect(message).toBe(
    "Expected the options device, runs, rate, mode, names, size, nested, even for Thing.run but received 'q'",
  )
  expect(unknownOption('q', [], 'f').message).toBe("Expected no options for f but received 'q'")
})

test.each([
  [{ device: 5 }, 'Expected a device name for device of Thing.run but received 5'],
  [{ runs: 0 }, 'Expected a number >= 1 for runs of Thing.run but received 0'],
  [{ runs: 9 }, 'Expected a number <= 8 for runs of Thing.run but received 9'],
  [{ runs: 1.5 }, 'Expected an integer for runs of Thing.run but received 1.5'],
  [{ runs: Number.NaN }, 'Expected a number for runs of Thing.run but received NaN'],
  [{ runs: null }, 'Expected a number for runs of Thing.run but received null'],
  [{ rate: 0 }, 'Expected a number > 0 for rate of Thing.run but received 0'],
  [{ rate: '1' }, "Expected a number for rate of Thing.run but received '1'"],
  [{ mode: 'x' }, "Expected 'fast' or 'exact' for mode of Thing.run but received 'x'"],
  [{ names: ['a', 1] }, 'Expected a string for names[1] of Thing.run but received 1'],
  [
    { names: ['a', 'b', 'c'] },
    "Expected an array of length <= 2 for names of Thing.run but received [ 'a', 'b', 'c' ]",
  ],
  [{ size: 'x' }, "Expected a number or an array for size of Thing.run but received 'x'"],
  [{ nested: {} }, 'Expected a number for nested.beta of Thing.run but received undefined'],
  [{ even: 3 }, 'Expected an even number for even of Thing.run but received 3'],
])('a wrong value in %j is an error in sentence form', (options, message) => {
  expect(failure(options)).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT', message, operation: 'Thing.run' })
})

test.each([[null], [5], ['x'], [true], [[]], [() => 1], [Symbol('s')], [new Float32Array(2)]])(
  'options that are no object (%o) are an error',
  (options) => {
    expect(failure(options).code).toBe('ERR_TORCH_INVALID_ARGUMENT')
    expect(failure(options).message).toMatch(/^Expected an object for the options of Thing.run but received /)
  },
)

test('a getter, a proxy and a nested value that throw are an error with the cause', () => {
  const cause = new Error('trap')
  const throwing = () => {
    throw cause
  }
  const getter = Object.defineProperty({}, 'runs', { get: throwing, enumerable: true })
  const proxy = new Proxy({}, { ownKeys: throwing })
  const nested = { nested: new Proxy({}, { get: throwing, ownKeys: throwing }) }
  for (const options of [getter, proxy, nested]) {
    expect(failure(options)).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT', cause })
  }
})

test('does not pollute prototypes', () => {
  expect(failure(JSON.parse('{"__proto__x": 1}')).code).toBe('ERR_TORCH_UNKNOWN_OPTION')
  const parsed = parseOptions(schema, JSON.parse('{"__proto__": {"runs": 5}}'), 'Thing.run')
  expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
})

test.each([
  ['keepdim', ['keepDim', 'dim'], 'keepDim'],
  ['align_corners', ['alignCorners'], 'alignCorners'],
  ['x', ['y', 'z'], undefined],
  ['', ['dtype'], undefined],
])('the name nearest to %s among %j is %s', (name, names, nearest) => {
  expect(nearestName(name, names)).toBe(nearest)
})

test('a very long unknown name is neither searched for long nor printed in full', () => {
  const start = performance.now()
  const error = failure({ ['x'.repeat(1_000_000)]: 1 })
  expect(performance.now() - start).toBeLessThan(500)
  expect(error.message.length).toBeLessThan(300)
})
