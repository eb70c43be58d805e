// Handles that nobody disposes: finalizers are the net, in any order, at any time.
import { describe, expect, test } from 'vitest'
import { repeated, runProgram } from '../support/program.js'

const collecting = { flags: ['--expose-gc'] }

/** Finalizers run in turns of the event loop after the collection. */
const collect = `
const collect = async (condition) => {
  for (let i = 0; i < 100 && !condition(); i++) { gc(); await sleep(5) }
}
`

describe('the garbage collector', repeated, () => {
  test('under load takes no tensor that a call still uses, and in the end all that nobody holds', async () => {
    const [outcome] = await runProgram(
      `${collect}
      const module = await Module.fromSource(
        'def forward(self, x, pair: List[Tensor], k: float):\\n    return x * k + pair[0], {"sum": x.sum() + pair[1].sum()}\\n')
      const before = handles()
      let wrong = 0
      const round = async (k) => {
        const input = () => Tensor.from(new Float32Array(1000).fill(k), [1000])
        const [scaled, named] = await module.forward(input(), [input(), input()], k)
        const data = await scaled.data()
        if (!data.every((value) => value === k * k + k)) wrong++
        if ((await named.get('sum').item()) !== 2000 * k) wrong++
      }
      for (let i = 0; i < 40; i++) {
        const calls = Array.from({ length: 25 }, (_, k) => round(k))
        gc()
        await Promise.all(calls)
      }
      await collect(() => handles().tensors === before.tensors)
      print({ wrong, left: handles().tensors - before.tensors, bytes: memory().bytes.cpu ?? 0 })`,
      collecting,
    )
    expect(outcome).toEqual({ wrong: 0, left: 0, bytes: 0 })
  })

  test('takes modules whose calls are in flight only when those have ended', async () => {
    const [outcome] = await runProgram(
      `${collect}
      const start = async (k) => (await slowModule()).forward(matrix(), k)
      const calls = Array.from({ length: 20 }, (_, k) => start(100 + k))
      for (let i = 0; i < 20; i++) { gc(); await sleep(1) }
      const shapes = (await Promise.all(calls)).map(({ shape }) => shape.join())
      calls.length = 0
      await collect(() => handles().modules + handles().tensors === 0)
      print([new Set(shapes).size, handles()])`,
      collecting,
    )
    expect(outcome).toEqual([1, { tensors: 0, modules: 0, generators: 0 }])
  })

  test('takes generators only when the calls that draw from them have ended', async () => {
    const [outcome] = await runProgram(
      `${collect}
      const module = await drawingModule()
      const drawn = async (k) => [...(await (await module.call('forward', [2000], { generator: new Generator(k) })).data())].join()
      const seeds = Array.from({ length: 20 }, (_, k) => k)
      const wanted = []
      for (const k of seeds) wanted.push(await drawn(k))
      const calls = seeds.map(drawn)
      const states = seeds.map(async (k) => (await new Generator(k).getState()).shape.length)
      for (let i = 0; i < 20; i++) { gc(); await sleep(1) }
      const wrong = (await Promise.all(calls)).filter((values, k) => values !== wanted[k]).length
      await Promise.all(states)
      await collect(() => handles().generators === 0)
      print([new Set(wanted).size, wrong, handles().generators])`,
      collecting,
    )
    expect(outcome).toEqual([20, 0, 0])
  })

  test('leaves the buffer of data() to its holder when tensor and module are gone', async () => {
    const [wrong] = await runProgram(
      `${collect}
      const held = []
      for (let k = 0; k < 50; k++) {
        const tensor = Tensor.from(new Float32Array(50_000).fill(k), [50_000])
        const data = tensor.data()
        if (k % 2) tensor.dispose()
        held.push(await data)
      }
      await collect(() => handles().tensors === 0)
      print([handles().tensors, held.filter((data, k) => !data.every((value) => value === k)).length])`,
      collecting,
    )
    expect(wrong).toEqual([0, 0])
  })

  test('is driven by what tensors hold: 3 GB of forgotten ones never exist at once', async () => {
    const [peak] = await runProgram(`
      for (let i = 0; i < 3000; i++) {
        Tensor.from(new Float32Array(1 << 18), [1 << 18])
        if (i % 10 === 0) await new Promise(setImmediate)
      }
      print(process.resourceUsage().maxRSS / 1024)`)
    expect(peak).toBeLessThan(1500)
  })

  test('at the end of a process with live, disposed and forgotten handles changes nothing', async () => {
    await runProgram(
      `
      const module = await slowModule()
      globalThis.live = [module, matrix(), await module.submodules()]
      for (let i = 0; i < 100; i++) matrix()
      matrix().dispose()
      gc()`,
      collecting,
    )
  })
})

test('data() gives the memory of the tensor itself from 32 KiB on, and below that a copy that Node allocates', async () => {
  const [copies] = await runProgram(`
    const held = [] // what is collected meanwhile would be subtracted
    const copiesOf = async (bytes) => {
      const source = new Uint8Array(bytes)
      const tensors = Array.from({ length: 50 }, () => Tensor.from(source))
      const before = process.memoryUsage().arrayBuffers
      held.push(source, ...(await Promise.all(tensors.map((tensor) => tensor.data()))))
      return Math.round((process.memoryUsage().arrayBuffers - before) / bytes) // Node has small ones of its own
    }
    const copies = []
    for (const bytes of [31 << 10, (32 << 10) - 1, 32 << 10, 33 << 10]) copies.push(await copiesOf(bytes))
    print(copies)
    held.length = 0`)
  expect(copies).toEqual([50, 50, 0, 0])
})
