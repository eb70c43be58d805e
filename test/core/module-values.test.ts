import { describe, expect, test } from 'vitest'
import { Module } from '../../lib/core/module.js'
import { Tensor } from '../../lib/core/tensor.js'
import type { Value } from '../../lib/core/value.js'
import { valuesArchive } from '../support/golden-modules.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'

expectNoLeaks()

describe('values go in by the schema and come out as they are', () => {
  /** `def forward(self, v: T) -> T: return v` */
  const echo = (type: string) => Module.fromSource(`def forward(self, v: ${type}) -> ${type}:\n    return v\n`)
  const big = 2n ** 53n

  test.each<[string, Value, Value]>([
    ['int', 5, 5],
    ['int', -0, 0],
    ['int', 5n, 5],
    ['int', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ['int', big, big],
    ['int', -big - 1n, -big - 1n],
    ['int', 2n ** 63n - 1n, 2n ** 63n - 1n],
    ['float', 5, 5],
    ['float', -0, -0],
    ['float', 0.1, 0.1],
    ['float', Number.NaN, Number.NaN],
    ['float', -Infinity, -Infinity],
    ['float', 2 ** 60, 2 ** 60],
    ['bool', true, true],
    ['str', 'zwölf 🙂\0nul', 'zwölf 🙂\0nul'],
    ['str', '\ud800 alone', '\ufffd alone'],
    ['Optional[int]', null, null],
    ['Optional[int]', undefined, null],
    ['Optional[int]', 3, 3],
    ['List[int]', [1, 2n, big], [1, 2, big]],
    ['List[int]', [], []],
    ['List[float]', [1, 0.5], [1, 0.5]],
    ['List[bool]', [true, false], [true, false]],
    ['List[str]', ['a', ''], ['a', '']],
    ['List[List[int]]', [[1], [], [2, 3]], [[1], [], [2, 3]]],
    ['List[Optional[str]]', ['a', null, undefined], ['a', null, null]],
    ['Tuple[int, str, Optional[float]]', [1, 'b', null], [1, 'b', null]],
    ['Tuple[Tuple[int, int], List[str]]', [[1, 2], ['x']], [[1, 2], ['x']]],
    [
      'Dict[str, int]',
      { a: 1, b: 2 },
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    ],
    ['Dict[str, int]', new Map([['a', 1]]), new Map([['a', 1]])],
    [
      'Dict[int, List[str]]',
      new Map([
        [1, ['x']],
        [-2, []],
      ]),
      new Map([
        [1, ['x']],
        [-2, []],
      ]),
    ],
    ['Dict[float, bool]', new Map([[0.5, true]]), new Map([[0.5, true]])],
    ['Dict[str, Dict[str, int]]', { a: { b: 1 } }, new Map([['a', new Map([['b', 1]])]])],
    ['Union[float, int]', 2, 2],
    ['Union[int, str, None]', 'a', 'a'],
    ['Union[int, str, None]', null, null],
    ['Union[List[int], List[float]]', [1, 2.5], [1, 2.5]],
    ['Any', null, null],
    ['Any', 7, 7],
    ['Any', 2n ** 62n, 2n ** 62n],
    ['Any', 7.5, 7.5],
    ['Any', 'text', 'text'],
    ['Any', [1, 'a', [null, true]], [1, 'a', [null, true]]],
    ['Any', { a: [1, { b: 2 }] }, new Map([['a', [1, new Map([['b', 2]])]]])],
  ])(
    '%s',
    inScope(async (type, given, returned) => {
      const module = await echo(type)
      expect(await module.forward(given)).toEqual(returned)
    }),
  )

  test.each<[string, unknown, string]>([
    ['int', 1.5, 'an integer'],
    ['int', 2 ** 53, 'an integer'],
    ['int', 2n ** 63n, 'an integer'],
    ['int', '1', 'an integer'],
    ['int', null, 'an integer'],
    ['float', '1', 'a number'],
    ['float', 1n, 'a number'],
    ['bool', 1, 'a boolean'],
    ['str', 1, 'a string'],
    ['List[int]', 5, 'an array'],
    ['List[int]', ['a'], 'an integer'],
    ['Tuple[int, int]', [1], 'an array of 2 elements'],
    ['Dict[str, int]', [1], 'a Map or an object'],
    ['Dict[int, int]', { 1: 1 }, 'an integer'],
    ['Tensor', 5, 'a Tensor'],
    ['Union[int, str]', 2.5, 'Union[int, str]'],
    ['Union[int, str]', null, 'Union[int, str]'],
    ['Union[int, str]', [1], 'Union[int, str]'],
    ['Any', 2n ** 64n, 'within 64 bits'],
    ['Any', new Date(), 'plain object'],
    ['Any', Symbol('s'), 'plain object'],
    ['Any', () => 1, 'plain object'],
    ['Any', new Float32Array(2), 'Tensor.from takes typed arrays'],
  ])(
    '%s refuses %o',
    inScope(async (type, given, expected) => {
      const module = await echo(type)
      await expect(module.forward(given as Value)).rejects.toMatchObject({
        code: 'ERR_TORCH_INVALID_ARGUMENT',
        message: expect.stringContaining(expected),
      })
    }),
  )

  test.each<[string, Value, string]>([
    ['Union[float, Tensor]', 2, 'float'],
    ['Union[int, float]', 2, 'int'],
    ['Union[int, float]', 2.5, 'float'],
    ['Any', [1, 2], 'List[int]'],
    ['Any', [1, 2.5], 'List[float]'],
    ['Any', ['a'], 'List[str]'],
    ['Any', [true], 'List[bool]'],
    ['Any', [1, 'a'], 'List[Any]'],
  ])(
    'as %s, %o is what isinstance calls %s',
    inScope(async (type, given, wanted) => {
      const module = await Module.fromSource(
        `def forward(self, v: ${type}) -> bool:\n    return isinstance(v, ${wanted})\n`,
      )
      expect(await module.forward(given)).toBe(true)
    }),
  )

  scopedTest('arrays that hold one another twice end in an error, not in an hour', async () => {
    const module = await echo('Any')
    let twice: Value[] = [1]
    for (let i = 0; i < 40; i++) twice = [twice, twice]
    const failure = { code: 'ERR_TORCH_INVALID_ARGUMENT', message: expect.stringContaining('1000000 arrays') }
    await expect(module.forward(twice)).rejects.toMatchObject(failure)
  })

  scopedTest('a getter that disposes an argument read before makes no other tensor of it', async () => {
    const module = await Module.fromSource('def forward(self, x, d: Dict[str, int]):\n    return x + 0\n')
    const [first, other] = [Tensor.from([1]), Tensor.from([999])]
    const treacherous = {
      get x() {
        first.dispose()
        other.alias()
        return 1
      },
    }
    await expect(module.forward(first, treacherous)).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED' })
  })

  scopedTest('raise ends a call with the text of the exception', async () => {
    const module = await Module.fromSource(
      'def forward(self, n: int) -> int:\n    if n < 0:\n        raise ValueError("below zero", n)\n    return n\n',
    )
    expect(await module.forward(1)).toBe(1)
    const failure = { code: 'ERR_TORCH_MODULE_RUN', message: expect.stringContaining('below zero') }
    await expect(module.forward(-1)).rejects.toMatchObject(failure)
  })

  scopedTest('tensors in every container', async () => {
    const module = await Module.fromSource(
      'def forward(self, xs: List[Tensor], d: Dict[str, Tensor], t: Tuple[Tensor, Optional[Tensor]], a: Any):\n' +
        '    return xs[0] + d["k"], [t[0], t[0]], t[1], a\n',
    )
    const [one, two] = [Tensor.from([1]), Tensor.from([2])]
    const result = (await module.forward([one, two], { k: two }, [two, null], { x: [one] })) as Value[]
    const [sum, pair, none, any] = result as [Tensor, [Tensor, Tensor], null, Map<string, [Tensor]>]
    expect([await sum.toArray(), pair.length, none, await any.get('x')?.[0].toArray()]).toEqual([[3], 2, null, [1]])
  })

  scopedTest(
    'of a module made in Python: nested results, defaults, named tuples, Any, integers beyond 2^53',
    async () => {
      const module = await Module.load(valuesArchive)
      const x = Tensor.from([1, 2])
      const nested = (await module.forward(x)) as Map<string, [number, Tensor][]>
      expect([...nested.keys()]).toEqual(['pairs', 'none'])
      expect(nested.get('none')).toEqual([])
      const [[first], [second, shifted]] = nested.get('pairs') as [[number, Tensor], [number, Tensor]]
      expect([first, second, await shifted.toArray()]).toEqual([1, 2, [2, 3]])
      expect(await module.call('defaults', [1])).toEqual([1, 0.5, 'none', true])
      expect(await module.call('defaults', [1, undefined, 'c', false])).toEqual([1, 0.5, 'c', false])
      const [name, value] = (await module.call('named', [x])) as [string, Tensor]
      expect([name, await value.item()]).toEqual(['sum', 3])
      const numbered = (await module.call('numbered', [x])) as Map<number, Tensor | null>
      expect([...numbered.keys(), numbered.get(-1), await numbered.get(0)?.toArray()]).toEqual([0, -1, null, [1, 2]])
      expect(await module.call('any', [{ a: [1n, null] }])).toEqual(new Map([['a', [1, null]]]))
      expect(await module.call('big')).toEqual([2 ** 53 - 1, 2n ** 53n, -(2n ** 53n) - 1n, 2n ** 63n - 1n])
    },
  )

  scopedTest('with the number of arguments that the method has', async () => {
    const module = await Module.load(valuesArchive)
    const code = 'ERR_TORCH_INVALID_ARGUMENT'
    await expect(module.forward()).rejects.toMatchObject({ code, message: expect.stringContaining("argument 'x'") })
    await expect(module.call('big', [1])).rejects.toMatchObject({ code, message: expect.stringContaining('at most 0') })
    await expect(module.call('bigg')).rejects.toMatchObject({ code, message: expect.stringContaining("'big'") })
  })
})
