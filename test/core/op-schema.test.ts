import { expect, test } from 'vitest'
import { parseSchema } from '../../lib/core/op-schema.js'

const argumentOf = (text: string, name: string) =>
  parseSchema(text).arguments.find((argument) => argument.name === name)

test('splits name and overload and gives the public name', () => {
  expect(parseSchema('_log_softmax.int(Tensor self) -> Tensor')).toMatchObject({
    name: '_log_softmax',
    overload: 'int',
  })
  expect(parseSchema('log_softmax(Tensor self) -> Tensor')).toMatchObject({ publicName: 'logSoftmax', overload: '' })
  expect(parseSchema('add_.Tensor(Tensor(a!) self) -> Tensor(a!)').publicName).toBe('add_')
  expect(parseSchema('conv_transpose2d(Tensor self) -> Tensor').publicName).toBe('convTranspose2d')
})

test('required arguments have positions, the others are options', () => {
  const schema = parseSchema('f(Tensor(a -> *) self, int[2] k, int dim=-1, *, str? mode, bool flag=False) -> Tensor')
  expect(schema.arguments.map(({ name, position, required }) => [name, position, required])).toEqual([
    ['input', 0, true],
    ['k', 1, true],
    ['dim', undefined, false],
    ['mode', undefined, true],
    ['flag', undefined, false],
  ])
})

test.each([
  ['Tensor(a!)', { base: 'Tensor', nullable: false }],
  ['Scalar?', { base: 'Scalar', nullable: true }],
  ['SymInt[]?', { base: 'int', nullable: true, list: { size: undefined, nullableElements: false } }],
  ['int[2]', { base: 'int', nullable: false, list: { size: 2, nullableElements: false } }],
  ['Tensor?[]', { base: 'Tensor', nullable: false, list: { size: undefined, nullableElements: true } }],
])('reads the type %s', (text, type) => {
  expect(argumentOf(`f(${text} x=[1, 1], int y=1) -> Tensor`, 'x')?.type).toEqual(type)
})

test('reads names and kinds of results', () => {
  const returns = (text: string) => parseSchema(`f(Tensor self) -> ${text}`).returns
  expect(returns('(Tensor values, Tensor indices)').map(({ name }) => name)).toEqual(['values', 'indices'])
  expect(returns('Tensor(a)[]')).toMatchObject([{ type: { base: 'Tensor', list: {} }, name: undefined }])
  expect(returns('bool')).toMatchObject([{ type: { base: 'bool' } }])
})

test.each(['', 'f', 'f(Tensor self)', 'f(Complex self) -> Tensor', 'f(Tensor) -> Tensor', 'f(Tensor self) -> '])(
  'refuses %j',
  (text) => {
    expect(() => parseSchema(text)).toThrow(TypeError)
  },
)
