import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { memory, queueDepths } from '../../lib/core/device.js'
import { Module } from '../../lib/core/module.js'
import type { FreezeOptions } from '../../lib/core/module-options.js'
import { ops } from '../../lib/core/ops.js'
import { Tensor } from '../../lib/core/tensor.js'
import type { Value } from '../../lib/core/value.js'
import { netArchive, oraclePython, valuesArchive } from '../support/golden-modules.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { decode, expectGolden, type GoldenValue, readGolden } from '../support/op-golden.js'

interface GoldenRun {
  method: string
  input: GoldenValue
  output: GoldenValue
}
interface GoldenNames {
  parameters: string[]
  buffers: string[]
  submodules: string[]
  extraFiles: Record<string, string>
  linear: GoldenValue
}
const cases = readGolden<Partial<GoldenRun & GoldenNames>>('modules.json')
const runs = cases.filter(({ method }) => method !== undefined) as GoldenRun[]
const golden = Object.assign({}, ...cases) as GoldenNames
const [forwardRun] = runs as [GoldenRun]

expectNoLeaks()

const inputOf = (run: GoldenRun) => decode(run.input, []) as Tensor

async function expectAsInPython(module: Module): Promise<void> {
  for (const run of runs) await expectGolden(await module.call(run.method, [inputOf(run)]), run.output)
}

describe('Module.load', () => {
  const bytes = readFileSync(netArchive)
  const sha256 = createHash('sha256').update(bytes).digest('hex')

  test.each<[string, string | URL | Uint8Array]>([
    ['a path', netArchive],
    ['a file: URL', pathToFileURL(netArchive)],
    ['a Buffer', bytes],
    ['a Uint8Array within a larger buffer', Uint8Array.from([1, 2, 3, ...bytes, 4]).subarray(3, 3 + bytes.length)],
  ])(
    'takes %s',
    inScope(async (_, source) => {
      await expectAsInPython(await Module.load(source))
      await expectAsInPython(await Module.load(source, { sha256 }))
      await expectAsInPython(await Module.load(source, { sha256: sha256.toUpperCase(), device: 'cpu' }))
    }),
  )

  test('rejects bytes and files with another SHA-256', async () => {
    const wrong = 'ab'.repeat(32)
    for (const source of [netArchive, bytes]) {
      await expect(Module.load(source, { sha256: wrong })).rejects.toMatchObject({
        code: 'ERR_TORCH_MODULE_LOAD',
        message: `Expected an archive with the SHA-256 ${wrong} but received ${sha256}`,
        details: { sha256 },
      })
    }
    await expect(Module.load(netArchive, { sha256: 'ab' })).rejects.toMatchObject({
      code: 'ERR_TORCH_INVALID_ARGUMENT',
    })
  })

  scopedTest('takes the bytes as they are at the time of the call', async () => {
    for (const options of [undefined, { sha256 }]) {
      const overwritten = Uint8Array.from(bytes)
      const pending = Module.load(overwritten, options)
      overwritten.fill(0)
      const detached = Uint8Array.from(bytes)
      const second = Module.load(detached, options)
      structuredClone(detached.buffer, { transfer: [detached.buffer] })
      await expectAsInPython(await pending)
      await expectAsInPython(await second)
    }
  })

  scopedTest('converts floating point weights to a dtype', async () => {
    const module = await Module.load(netArchive, { dtype: 'float64' })
    const output = (await module.forward(await inputOf(forwardRun).to({ dtype: 'float64' }))) as Tensor
    expect(output.dtype).toBe('float64')
    expect((await module.buffers()).get('block.norm.num_batches_tracked')?.dtype).toBe('int64')
    await expectGolden(await output.to({ dtype: 'float32' }), forwardRun.output)
    await expect(Module.load(netArchive, { dtype: 'int8' })).rejects.toMatchObject({ code: 'ERR_TORCH_DTYPE' })
  })

  scopedTest('puts the module on its lane', async () => {
    const modules = await Promise.all([0, 1, 2].map((lane) => Module.load(netArchive, { lane })))
    expect(modules.map(({ lane }) => lane)).toEqual([0, 1, 2])
    await Promise.all(modules.map(expectAsInPython))
    expect(Object.keys(queueDepths())).toEqual(expect.arrayContaining(['cpu:0', 'cpu:1', 'cpu:2', 'io']))
  })

  test('stops for an AbortSignal with its reason', async () => {
    const reason = new Error('enough')
    for (const options of [{}, { sha256 }]) {
      const before = Module.load(netArchive, { ...options, signal: AbortSignal.abort(reason) })
      await expect(before).rejects.toBe(reason)
      const controller = new AbortController()
      const during = Module.load(netArchive, { ...options, signal: controller.signal })
      controller.abort(reason)
      await expect(during).rejects.toBe(reason)
    }
    await expect.poll(() => memory().modules).toBe(0)
  })

  scopedTest('gives what stands beside the program', async () => {
    const module = await Module.load(netArchive)
    expect(module.extraFiles()).toEqual(golden.extraFiles)
    expect((await Module.load(valuesArchive)).extraFiles()).toEqual({})
    expect(module).toMatchObject({ device: 'cpu', lane: 0, training: false, disposed: false })
  })
})

describe('a module shows', () => {
  scopedTest('its parameters, buffers and submodules by the names of Python', async () => {
    const module = await Module.load(netArchive)
    const parameters = await module.parameters()
    expect([...parameters.keys()]).toEqual(golden.parameters)
    expect([...(await module.buffers()).keys()]).toEqual(golden.buffers)
    expect(await module.submodules()).toEqual(golden.submodules)
    expect(parameters.get('head.1.weight')?.requiresGrad).toBe(true)
    await expectGolden(parameters.get('head.1.weight'), golden.linear)
  })

  scopedTest('its methods with their schemas', async () => {
    const methods = (await Module.load(netArchive)).methods()
    expect(methods.map(({ name }) => name)).toEqual(['features', 'forward'])
    expect(methods[1]?.schema).toMatch(/^forward\(__torch__\S+Net self, Tensor x\) -> Tensor$/)
  })

  scopedTest('parameters that are shared with it', async () => {
    const module = await Module.load(netArchive)
    const x = inputOf(forwardRun)
    for (const parameter of (await module.parameters()).values()) await ops.zero_(parameter)
    expect(new Set(await ((await module.forward(x)) as Tensor).data('float32'))).toEqual(new Set([0]))
  })

  scopedTest('submodules that share its tensors and its lane, and outlive it', async () => {
    const module = await Module.load(netArchive, { lane: 3 })
    const linear = await module.submodule('head.1')
    expect([linear.lane, (await linear.submodules()).length]).toEqual([3, 0])
    const ones = await ops.ones([1, 3])
    await ops.fill_((await module.parameters()).get('head.1.weight') as Tensor, 2)
    await ops.zero_((await module.parameters()).get('head.1.bias') as Tensor)
    module.dispose()
    expect([...(await ((await linear.forward(ones)) as Tensor).data())]).toEqual([6, 6, 6, 6])
    await expect(linear.submodule('nothing')).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
    await expect(linear.submodule('')).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
  })

  test('nothing but that it is disposed once it is', async () => {
    const module = await Module.load(netArchive)
    module.dispose()
    module[Symbol.dispose]()
    expect(module.disposed).toBe(true)
    expect(() => module.methods()).toThrow(expect.objectContaining({ code: 'ERR_TORCH_DISPOSED' }))
    for (const use of [
      () => module.forward(),
      () => module.parameters(),
      () => module.freeze(),
      () => module.train(),
    ]) {
      await expect(use()).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED' })
    }
  })
})

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
    ['Any', null, null],
    ['Any', 7, 7],
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

describe('Module.fromSource and define', () => {
  scopedTest('compile TorchScript', async () => {
    const module = await Module.fromSource('def forward(self, x, n: int = 2):\n    return x * n\n')
    expect(await ((await module.forward(Tensor.from([3]))) as Tensor).toArray()).toEqual([6])
    await module.define('def twice(self, x):\n    return self.forward(self.forward(x))\n')
    expect(module.methods().map(({ name }) => name)).toEqual(['forward', 'twice'])
    expect(await ((await module.call('twice', [Tensor.from([3])])) as Tensor).toArray()).toEqual([12])
    expect((await Module.fromSource('def forward(self):\n    return 1\n', { lane: 2 })).lane).toBe(2)
  })

  scopedTest('reach the submodules of a loaded module', async () => {
    const module = await Module.load(netArchive)
    await module.define('def head_only(self, x):\n    return self.head.forward(x)\n')
    expect(((await module.call('head_only', [await ops.ones([2, 3])])) as Tensor).shape).toEqual([2, 4])
  })

  scopedTest('reject what does not compile, and keep the module as it was', async () => {
    const code = 'ERR_TORCH_MODULE_LOAD'
    for (const source of [
      '',
      'def',
      'def f(x):\n    return y\n',
      'x = 1',
      'def forward(self):\n  return 1 +\n',
      '\0',
    ]) {
      const loaded = await Module.fromSource(source).catch((error: unknown) => error)
      if (loaded instanceof Module) expect([source, loaded.methods()]).toEqual(['', []])
      else expect(loaded).toMatchObject({ code, operation: 'Module.fromSource' })
    }
    const module = await Module.fromSource('def forward(self, x):\n    return x\n')
    await expect(module.define('def wrong(self):\n    return nothing\n')).rejects.toMatchObject({ code })
    expect(await module.forward(Tensor.from(1))).toBeInstanceOf(Tensor)
  })
})

describe('train, eval and to', () => {
  scopedTest('switch dropout and batch norm, behind the calls made before', async () => {
    const module = await Module.load(netArchive)
    const x = inputOf(forwardRun)
    const [before, , training, , after] = await Promise.all([
      module.call('features', [x]),
      module.train(),
      module.call('features', [x]),
      module.train(false),
      module.forward(x),
    ])
    await expectGolden(before, (runs[1] as GoldenRun).output)
    expect(await ((await ops.allclose(training as Tensor, before as Tensor)) as unknown)).toBe(false)
    expect(module.training).toBe(false)
    await module.train()
    expect(module.training).toBe(true)
    await module.eval()
    expect([module.training, (await module.submodule('head.0')).training]).toEqual([false, false])
    void after
  })

  scopedTest('convert in place: tensors that parameters() gave follow', async () => {
    const module = await Module.load(netArchive)
    const weight = (await module.parameters()).get('block.conv.weight') as Tensor
    await module.to({ dtype: 'float64' })
    expect((await weight.data()).constructor).toBe(Float64Array)
    expect([weight.dtype, weight.nbytes]).toEqual(['float64', 8 * 54])
    const exact = await weight.toArray()
    await module.to({ dtype: 'bfloat16' })
    expect(await weight.toArray()).toEqual(exact)
    expect((await module.parameters()).get('block.conv.weight')?.dtype).toBe('bfloat16')
    await module.to({ dtype: 'float32' })
    await expectAsInPython(module)
    await ops.zero_(weight)
    expect(new Set(await ((await module.parameters()).get('block.conv.weight') as Tensor).data('float32'))).toEqual(
      new Set([0]),
    )
    await expect(module.to({ dtype: 'int32' })).rejects.toMatchObject({ code: 'ERR_TORCH_DTYPE' })
    await expect(module.to({ device: 'cuda:7' })).rejects.toMatchObject({ code: 'ERR_TORCH_DEVICE' })
  })

  scopedTest('store weights of 4 dimensions as channels last', async () => {
    const module = await Module.load(netArchive)
    await module.to({ channelsLast: true })
    const parameters = await module.parameters()
    expect(parameters.get('block.conv.weight')?.strides).toEqual([18, 1, 6, 2])
    expect(parameters.get('head.1.weight')?.strides).toEqual([3, 1])
    const features = (await module.call('features', [inputOf(forwardRun)])) as Tensor
    expect(features.strides).toEqual([48, 1, 12, 3])
    await expectGolden(await ops.contiguous(features), (runs[1] as GoldenRun).output)
    await expectGolden(await module.forward(inputOf(forwardRun)), forwardRun.output)
  })
})

describe('freeze', () => {
  test.each<[FreezeOptions]>([
    [{}],
    [{ preserve: ['features'] }],
    [{ channelsLast: true }],
    [{ optimize: true }],
    [{ optimize: true, channelsLast: true, preserve: ['features', 'forward'] }],
  ])(
    '%o gives a new module that computes the same',
    inScope(async (options) => {
      const module = await Module.load(netArchive)
      await module.train()
      const frozen = await module.freeze(options)
      expect([module.training, frozen.training, (await frozen.parameters()).size]).toEqual([true, false, 0])
      const names = options.preserve ? ['features', 'forward'] : ['forward']
      expect(frozen.methods().map(({ name }) => name)).toEqual(names)
      for (const run of runs.filter(({ method }) => names.includes(method))) {
        const output = (await frozen.call(run.method, [inputOf(run)])) as Tensor
        await expectGolden(await ops.contiguous(output), run.output)
      }
      expect((await module.submodule('head.0')).training).toBe(true)
      expect((await module.parameters()).get('block.conv.weight')?.strides).toEqual([18, 9, 3, 1])
      await module.eval()
      await expectAsInPython(module)
    }),
  )

  scopedTest('is independent of what later happens to the original', async () => {
    const module = await Module.load(netArchive)
    const frozen = await module.freeze({ preserve: ['features'] })
    await module.to({ dtype: 'float64' })
    module.dispose()
    await expectAsInPython(frozen)
  })

  scopedTest('keeps only methods that are there', async () => {
    const module = await Module.load(netArchive)
    await expect(module.freeze({ preserve: ['nothing'] })).rejects.toMatchObject({
      code: 'ERR_TORCH_INVALID_ARGUMENT',
      message: "Expected the name of a method to preserve but received 'nothing'",
    })
  })

  scopedTest('gives a module that can be saved, unless it was optimized for this machine', async () => {
    const module = await Module.load(netArchive)
    const again = await Module.load(await (await module.freeze({ preserve: ['features'] })).toBytes())
    await expectAsInPython(again)
    const optimized = await module.freeze({ optimize: true })
    await expect(optimized.toBytes()).rejects.toMatchObject({ code: 'ERR_TORCH_MODULE_SAVE' })
  })
})

describe('warmup', () => {
  scopedTest('runs a method on zeros and leaves nothing', async () => {
    const module = await Module.load(netArchive)
    const { tensors } = memory()
    await module.warmup([[2, 2, 4, 4]])
    await module.warmup([[1, 2, 3, 3]], { runs: 1, method: 'features', dtype: 'float32' })
    expect(memory().tensors).toBe(tensors)
    await expectAsInPython(module)
  })

  scopedTest('rejects as the method does, and leaves nothing either', async () => {
    const module = await Module.load(netArchive)
    const { tensors } = memory()
    await expect(module.warmup([[2, 5, 4, 4]])).rejects.toMatchObject({ code: 'ERR_TORCH_MODULE_RUN' })
    await expect(module.warmup([])).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
    await expect(module.warmup([[2, 2, 4, 4], [1e15]])).rejects.toMatchObject({ code: 'ERR_TORCH_OUT_OF_MEMORY' })
    await expect(module.warmup([[2, 2, 4, -4]])).rejects.toMatchObject({ code: 'ERR_TORCH_OPERATOR' })
    expect(memory().tensors).toBe(tensors)
  })
})

describe('save', () => {
  scopedTest('writes what load reads, with extra files', async () => {
    const folder = temporaryFolder()
    const module = await Module.load(netArchive)
    await module.define('def twice(self, x):\n    return self.forward(x) * 2\n')
    const extraFiles = { 'a.json': '{"ö": 1}', 'folder/b.txt': '', c: 'x'.repeat(100_000) }
    for (const path of [join(folder, 'one.pt'), pathToFileURL(join(folder, 'zwei ö.pt'))]) {
      await module.save(path, { extraFiles })
      const loaded = await Module.load(path)
      await expectAsInPython(loaded)
      expect(loaded.extraFiles()).toEqual(extraFiles)
      expect(loaded.methods().map(({ name }) => name)).toContain('twice')
    }
    const loaded = await Module.load(await module.toBytes({ extraFiles }))
    expect(loaded.extraFiles()).toEqual(extraFiles)
  })

  scopedTest('writes what Python loads', async () => {
    const folder = temporaryFolder()
    const module = await Module.load(netArchive)
    await ops.fill_((await module.parameters()).get('head.1.bias') as Tensor, 3)
    await module.save(join(folder, 'net.pt'), { extraFiles: { 'meta.json': 'zwölf' } })
    const program = `
import json, sys, torch
files = {"meta.json": ""}
module = torch.jit.load(sys.argv[1], _extra_files=files)
output = module(torch.ones(1, 2, 4, 4)).flatten().tolist()
print(json.dumps([files["meta.json"].decode(), dict(module.named_parameters())["head.1.bias"].tolist(), module.training, output]))`
    const printed = execFileSync(oraclePython, ['-W', 'ignore', '-c', program, join(folder, 'net.pt')], {
      encoding: 'utf8',
    })
    const [file, bias, training, output] = JSON.parse(printed) as [string, number[], boolean, number[]]
    expect([file, bias, training]).toEqual(['zwölf', [3, 3, 3, 3], false])
    const own = [...(await ((await module.forward(await ops.ones([1, 2, 4, 4]))) as Tensor).data())]
    for (const [i, value] of own.entries()) expect(value).toBeCloseTo(output[i] as number, 5)
  })

  scopedTest('rejects places where nothing can be written, and leaves no file behind', async () => {
    const folder = temporaryFolder()
    const module = await Module.fromSource('def forward(self):\n    return 1\n')
    for (const path of [folder, join(folder, 'missing', 'x.pt'), join(netArchive, 'x.pt')]) {
      await expect(module.save(path)).rejects.toMatchObject({ code: 'ERR_TORCH_MODULE_SAVE', operation: 'module.save' })
    }
    const { readdirSync } = await import('node:fs')
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('many calls at once', () => {
  scopedTest('on one module give each its own result, in order', async () => {
    const module = await Module.fromSource('def forward(self, x, i: int):\n    return (x * i).sum()\n')
    const x = await ops.ones([10])
    const order: number[] = []
    const results = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const result = (await module.forward(x, i)) as Tensor
        order.push(i)
        return result.item()
      }),
    )
    expect(results).toEqual(Array.from({ length: 100 }, (_, i) => 10 * i))
    expect(order).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })

  scopedTest('change the state of a module one after the other', async () => {
    const module = await Module.load(netArchive)
    const scale = (await module.buffers()).get('scale') as Tensor
    const source = 'def add_one(self) -> float:\n    self.scale += 1.0\n    return float(self.scale)\n'
    await ops.zero_(scale)
    await module.define(source)
    const results = await Promise.all(Array.from({ length: 50 }, () => module.call('add_one')))
    expect(results).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
  })

  scopedTest('on modules of several lanes', async () => {
    const modules = await Promise.all([0, 1, 2, 3].map((lane) => Module.load(netArchive, { lane })))
    const x = inputOf(forwardRun)
    const results = await Promise.all(Array.from({ length: 40 }, (_, i) => (modules[i % 4] as Module).forward(x)))
    for (const result of results) await expectGolden(result, forwardRun.output)
  })

  test('end well when module and inputs are disposed meanwhile', async () => {
    const module = await Module.load(netArchive)
    const x = inputOf(forwardRun)
    const pending = Array.from({ length: 10 }, () => module.forward(x))
    module.dispose()
    x.dispose()
    for (const result of await Promise.all(pending)) {
      await expectGolden(result, forwardRun.output)
      ;(result as Tensor).dispose()
    }
  })
})
