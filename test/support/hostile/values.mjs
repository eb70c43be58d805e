// What callers should not pass, and what they may. A value's kinds say for which parameters it is no bad input.
import { Generator, Module, Tensor, TorchError } from '../../../dist/index.js'

const traps = [
  ...['apply', 'construct', 'defineProperty', 'deleteProperty', 'get', 'getOwnPropertyDescriptor', 'getPrototypeOf'],
  ...['has', 'isExtensible', 'ownKeys', 'preventExtensions', 'set', 'setPrototypeOf'],
]

function throwing(target, thrown) {
  const trap = () => {
    throw thrown
  }
  return new Proxy(target, Object.fromEntries(traps.map((name) => [name, trap])))
}

function revoked(target) {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

/** Every key that a public options object knows, and one that none does, throws when it is read. */
function getters(thrown) {
  const object = {}
  for (const key of ['device', 'dtype', 'signal', 'path', 'gradMode', 'extraFiles', 'lane', 'runs', 'x']) {
    const get = () => {
      throw thrown
    }
    Object.defineProperty(object, key, { enumerable: true, get })
  }
  return object
}

function nested(depth) {
  let array = [1]
  for (let i = 1; i < depth; i++) array = [array]
  return array
}

function cyclic() {
  const array = []
  array.push(array, array)
  return array
}

function detached(array) {
  structuredClone(array.buffer, { transfer: [array.buffer] })
  return array
}

function outOfBounds() {
  const buffer = new ArrayBuffer(8, { maxByteLength: 16 })
  const view = new Uint8Array(buffer, 4, 4)
  buffer.resize(2)
  return view
}

function disposed(handle) {
  handle.dispose()
  return handle
}

class HostileView extends Uint8Array {
  get buffer() {
    throw new Error('trap')
  }
}

function hostileTag() {
  const trap = () => {
    throw new Error('trap')
  }
  return Object.defineProperty({}, Symbol.toStringTag, { get: trap })
}

const trap = new Error('trap')
const liveModule = await Module.fromSource('def forward(self, x):\n    return x\n')
const deadModule = disposed(await Module.fromSource('def forward(self, x):\n    return x\n'))

/** [name, kinds, make] */
export const hostileValues = [
  ['undefined', ['undefined'], () => undefined],
  ['null', ['null'], () => null],
  ['true', ['boolean'], () => true],
  ['NaN', ['number'], () => Number.NaN],
  ['Infinity', ['number'], () => Number.POSITIVE_INFINITY],
  ['-Infinity', ['number'], () => Number.NEGATIVE_INFINITY],
  ['-0', ['number', 'integer'], () => -0],
  ['-1', ['number', 'integer'], () => -1],
  ['1e15', ['number', 'integer'], () => 1e15],
  ['1.5', ['number'], () => 1.5],
  ['2^53', ['number'], () => 2 ** 53],
  ['2^64', ['number'], () => 2 ** 64],
  ['-1n', ['bigint'], () => -1n],
  ['2n^64', ['bigint'], () => 2n ** 64n],
  ['empty string', ['string'], () => ''],
  ['text', ['string'], () => 'text'],
  ['text with NUL', ['string'], () => 'cpu\0'],
  ['lone surrogate', ['string'], () => '\ud800'],
  ['constructor', ['string'], () => 'constructor'],
  ['__proto__', ['string'], () => '__proto__'],
  ['long string', ['string'], () => 'x'.repeat(100_000)],
  ['symbol', [], () => Symbol('s')],
  ['function', ['function'], () => () => undefined],
  ['class', ['function'], () => class {}],
  ['empty array', ['array', 'empty array', 'integers', 'strings'], () => []],
  ['huge shape', ['array', 'integers'], () => [2 ** 31, 2 ** 31]],
  ['huge size', ['array', 'integers'], () => [1e15]],
  ['negative size', ['array', 'integers'], () => [-1]],
  ['array of NaN', ['array', 'numbers'], () => [Number.NaN]],
  ['array of 1.5', ['array', 'numbers'], () => [1.5]],
  ['array of 2^53', ['array', 'numbers'], () => [2 ** 53]],
  ['array of bigints', ['array', 'bigints'], () => [1n, 2n]],
  ['array of strings', ['array', 'strings'], () => ['a', '\0']],
  ['array of null', ['array'], () => [null]],
  ['array of empty arrays', ['array', 'shapes', 'nested'], () => [[], []]],
  ['ragged array', ['array', 'shapes'], () => [[1], [1, 2]]],
  // biome-ignore lint/suspicious/noSparseArray: that is the point
  ['sparse array', ['array'], () => [1, , 3]],
  ['long sparse array', ['array'], () => Object.assign([], { [2 ** 32 - 2]: 1 })],
  ['array 100 deep', ['array'], () => nested(100)],
  ['cyclic array', ['array'], cyclic],
  ['array with a getter', ['array'], () => Object.defineProperty([1, 2], 1, { get: () => trap.missing.property })],
  ['array of a disposed tensor', ['array'], () => [disposed(Tensor.from(1))]],
  ['empty object', ['object', 'record'], () => ({})],
  ['object without prototype', ['object', 'record'], () => Object.create(null)],
  ['array-like object', ['object'], () => ({ length: 1, 0: 1 })],
  ['throwing getters', ['object'], () => getters(trap)],
  ['getters that throw null', ['object'], () => getters(null)],
  ['getters that throw undefined', ['object'], () => getters(undefined)],
  ['throwing toString', ['object'], () => ({ toString: () => trap.missing.property, [Symbol.toPrimitive]: 1 })],
  ['throwing tag', ['object', 'record'], hostileTag],
  ['Map', ['map'], () => new Map()],
  ['Map of objects', ['map'], () => new Map([[{}, Symbol('s')]])],
  ['object of the Map class', [], () => Object.create(Map.prototype)],
  ['Set', [], () => new Set([1])],
  ['Date', [], () => new Date(Number.NaN)],
  ['RegExp', [], () => /x/],
  ['WeakMap', [], () => new WeakMap()],
  ['Error', [], () => new Error('error')],
  ['URL', ['url'], () => new URL('https://example.org/x')],
  ['file: URL with NUL', ['url'], () => new URL('file:///a%00b')],
  ['Float32Array', ['array view'], () => new Float32Array(2)],
  ['BigInt64Array', ['array view'], () => new BigInt64Array(1)],
  ['empty Uint8Array', ['array view', 'bytes'], () => new Uint8Array(0)],
  ['detached Uint8Array', [], () => detached(new Uint8Array(4))],
  ['detached Float32Array', [], () => detached(new Float32Array(4))],
  ['view out of bounds', [], outOfBounds],
  ['object of the Uint8Array class', [], () => Object.create(Uint8Array.prototype)],
  ['view with a throwing buffer', ['bytes'], () => new HostileView(4)],
  ['DataView', [], () => new DataView(new ArrayBuffer(4))],
  ['ArrayBuffer', [], () => new ArrayBuffer(4)],
  ['AbortSignal', ['signal'], () => AbortSignal.abort('aborted by the table')],
  [
    'signal that refuses listeners',
    ['signal to ask'],
    () => ({ aborted: false, addEventListener: () => trap.missing.property, removeEventListener: () => undefined }),
  ],
  [
    'signal that cannot be asked',
    [],
    () => ({
      get aborted() {
        throw trap
      },
      addEventListener: () => undefined,
      removeEventListener: () => undefined,
    }),
  ],
  ['frozen TorchError', [], () => Object.freeze(new TorchError('ERR_TORCH_SHAPE', 'of the caller'))],
  ['half a signal', [], () => ({ aborted: false, addEventListener: 1 })],
  [
    'Tensor',
    ['tensor', 'live handle'],
    () =>
      Tensor.from([
        [1, 2],
        [3, 4],
      ]),
  ],
  ['disposed Tensor', ['disposed tensor', 'disposed handle'], () => disposed(Tensor.from(1))],
  ['Module', ['module', 'live handle'], () => liveModule],
  ['disposed Module', ['disposed module', 'disposed handle'], () => deadModule],
  ['Generator', ['generator', 'live handle'], () => new Generator(1)],
  ['disposed Generator', ['disposed generator', 'disposed handle'], () => disposed(new Generator(1))],
  ['object of the Tensor class', [], () => Object.create(Tensor.prototype)],
  ['object of the Module class', [], () => Object.create(Module.prototype)],
  ['object of the Generator class', [], () => Object.create(Generator.prototype)],
  ['proxy of a Tensor', [], () => new Proxy(Tensor.from(1), {})],
  ['throwing proxy', [], () => throwing({}, trap)],
  [
    'proxy that throws a frozen TorchError',
    [],
    () => throwing({}, Object.freeze(new TorchError('ERR_TORCH_SHAPE', 'x'))),
  ],
  ['proxy that throws null', [], () => throwing({}, null)],
  ['proxy that throws undefined', [], () => throwing({}, undefined)],
  ['proxy that throws a proxy', [], () => throwing({}, throwing({}, trap))],
  ['throwing proxy of an array', [], () => throwing([1], trap)],
  ['throwing proxy of a function', ['function'], () => throwing(() => undefined, trap)],
  ['revoked proxy', [], () => revoked({})],
  ['revoked proxy of an array', [], () => revoked([1])],
  ['revoked proxy of a function', ['function'], () => revoked(() => undefined)],
]
