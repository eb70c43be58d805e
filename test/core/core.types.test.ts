import { expect, expectTypeOf, test } from 'vitest'
import { type DataOf, Generator, keep, Module, Tensor, type TypedArray, type Value } from '../../lib/index.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'

// `tsc -p tsconfig.test.json` checks this file: a call that TypeScript would let pass makes its @ts-expect-error an error.

expectNoLeaks()

scopedTest('data() has the type of the dtype that is named, and a typed array otherwise', async () => {
  const tensor = Tensor.from([1])
  expectTypeOf(await tensor.data()).toEqualTypeOf<TypedArray>()
  expectTypeOf(await tensor.data(undefined, {})).toEqualTypeOf<TypedArray>()
  expectTypeOf(await tensor.data('float32')).toEqualTypeOf<Float32Array>()
  const { signal } = new AbortController()
  expectTypeOf(await tensor.data('float32', { signal })).toEqualTypeOf<Float32Array>()
  // @ts-expect-error a dtype that nobody checks is no dtype
  void tensor.data<'float32'>()
  // By the version of Node either array may come.
  expectTypeOf<Uint16Array>().toExtend<DataOf<'float16'>>()
  expectTypeOf<DataOf<'float16'>>().not.toEqualTypeOf<Uint16Array>()
})

scopedTest('Tensor.from takes elements of one type, and rows of one kind', () => {
  const row = Float32Array.of(1, 2)
  expect(Tensor.from([row, row]).shape).toEqual([2, 2])
  expect(Tensor.from([[1n], [2n]], { dtype: 'int32' }).shape).toEqual([2, 1])
  // @ts-expect-error a number and a bigint
  expect(() => Tensor.from([1, 2n])).toThrow('Expected elements of one type')
})

scopedTest('the results of a module are what the caller says, of what a module can give', async () => {
  const module = await Module.fromSource('def forward(self, x):\n    return x\n')
  const x = Tensor.from([1])
  expectTypeOf(await module.forward(x)).toEqualTypeOf<Value>()
  expectTypeOf(await module.forward<Tensor>(x)).toEqualTypeOf<Tensor>()
  expectTypeOf(await module.call<Tensor>('forward', [x])).toEqualTypeOf<Tensor>()
  expectTypeOf(module.forward<Map<string, Tensor>>).returns.resolves.toEqualTypeOf<Map<string, Tensor>>()
  expectTypeOf(module.forward<[Tensor, number]>).returns.resolves.toEqualTypeOf<[Tensor, number]>()
  // @ts-expect-error what is wanted of the result does not say what it is
  const unchecked: Tensor = await module.forward(x)
  // @ts-expect-error the same of a method
  const alsoUnchecked: Tensor = await module.call('forward', [x])
  expect([unchecked.shape, alsoUnchecked.shape]).toEqual([[1], [1]])
  // @ts-expect-error no module gives a Date
  await module.forward<Date>(x)
  // @ts-expect-error autocast computes in half precision
  await module.call('forward', [x], { autocast: 'int64' }).catch(() => undefined)
})

test('keep takes handles, and nothing that merely looks like one', () => {
  const kept = keep(new Generator(1))
  expectTypeOf(kept).toEqualTypeOf<Generator>()
  kept.dispose()
  expectTypeOf(keep<Tensor>).returns.toEqualTypeOf<Tensor>()
  // @ts-expect-error not made by this package
  const refused = () => keep({ disposed: false, dispose() {} })
  expectTypeOf(refused).toBeFunction()
})
