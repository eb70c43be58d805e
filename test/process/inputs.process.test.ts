// What callers may do right after a call: dispose, detach, overwrite, share.
import { describe, expect, test } from 'vitest'
import { repeated, runProgram } from '../support/program.js'

describe('dispose during a call', repeated, () => {
  test('of the input and of the module leaves the call its own, and frees both when it has ended', async () => {
    const [outcome] = await runProgram(`
      const module = await slowModule()
      const input = Tensor.from(new Float32Array(64 * 64).fill(1), [64, 64])
      const calls = Array.from({ length: 4 }, () => module.forward(input, 3000))
      await sleep(20)
      input.dispose()
      module.dispose()
      const refused = await module.forward(matrix(), 1).catch((error) => error.code)
      const refusedInput = await ops.add(input, input).catch((error) => error.code)
      const ones = await Promise.all((await Promise.all(calls)).map(async (result) => {
        const data = await result.data()
        result.dispose()
        return data.every((value) => value === 1)
      }))
      print([refused, refusedInput, ones, input.disposed, module.disposed, handles().modules])`)
    const disposed = 'ERR_TORCH_DISPOSED'
    expect(outcome).toEqual([disposed, disposed, [true, true, true, true], true, true, 0])
  })

  test('of a large tensor frees its bytes, but not before data() has them', async () => {
    const [outcome] = await runProgram(`
      const module = await slowModule()
      const { settled } = await startRunning(module, 5000)
      const large = Tensor.from(new Float32Array(1 << 22).fill(3), [1 << 22])
      const held = memory().bytes.cpu
      const data = large.data()
      large.dispose()
      const left = memory().bytes.cpu ?? 0
      print([held - left, (await data).every((value) => value === 3)])
      await settled`)
    expect(outcome).toEqual([4 * (1 << 22), true])
  })

  test('of a result in the callbacks of many at once harms no other', async () => {
    const [outcome] = await runProgram(`
      const input = matrix()
      const sums = await Promise.all(Array.from({ length: 500 }, async (_, k) => {
        const result = await ops.add(input, input)
        const view = await ops.reshape(result, [4096])
        result.dispose()
        result.dispose()
        const data = view.data()
        view.dispose()
        return (await data)[k]
      }))
      print([new Set(sums).size, handles().tensors])`)
    expect(outcome).toEqual([1, 1])
  })
})

describe('a disposed tensor', repeated, () => {
  test('stays disposed, however many tensors are made after it', async () => {
    const [outcome] = await runProgram(`
      const code = (promise) => promise.then(() => 'resolved', (error) => error.code)
      const input = matrix()
      const old = []
      for (let i = 0; i < 400; i++) old.push(await ops.add(input, input))
      for (const tensor of old) tensor.dispose()
      const fresh = []
      for (let i = 0; i < 400; i++) fresh.push(await ops.full([8], i))
      for (const tensor of old) tensor.dispose()
      const codes = await Promise.all(old.flatMap((tensor) => [
        code(tensor.data()), code(ops.add(tensor, 1)), code(tensor.to({ dtype: 'int32' })), code(tensor.item())]))
      const wrong = (await Promise.all(fresh.map(async (tensor, i) => (await tensor.data()).every((value) => Number(value) === i))))
        .filter((right) => !right)
      print([[...new Set(codes)], old.every(({ disposed }) => disposed), fresh.some(({ disposed }) => disposed), wrong.length])`)
    expect(outcome).toEqual([['ERR_TORCH_DISPOSED'], true, false, 0])
  })

  test('has given its shape, dtype and device to no later one', async () => {
    const [outcome] = await runProgram(`
      const seen = []
      for (let i = 1; i <= 300; i++) {
        const made = await ops.zeros(i % 2 ? [i] : [i, 2], { dtype: i % 3 ? 'float32' : 'int64' })
        const wanted = i % 2 ? [i] : [i, 2]
        seen.push(made.shape.join() === wanted.join() && made.strides.length === wanted.length
          && made.dtype === (i % 3 ? 'float32' : 'int64') && made.numel === (await made.data()).length)
        made.dispose()
      }
      print([seen.length, new Set(seen).size, seen[0], handles().tensors, memory().bytes.cpu ?? 0])`)
    expect(outcome).toEqual([300, 1, true, 0, 0])
  })
})

describe('a buffer', repeated, () => {
  const first = (make: string, after: string) => `
    const values = new Float32Array(${make})
    values.fill(7)
    const tensor = Tensor.from(values, [250_000])
    const sum = ops.sum(tensor)
    ${after}
    const data = await tensor.data()
    print([(await (await sum).item()) / 250_000, data.every((value) => value === 7)])`

  test('detached right after Tensor.from was copied before', async () => {
    const source = first(
      '250_000',
      'structuredClone(values.buffer, { transfer: [values.buffer] }); if (values.length) throw new Error()',
    )
    expect(await runProgram(source)).toEqual([[7, true]])
  })

  test('overwritten right after Tensor.from was copied before', async () => {
    expect(await runProgram(first('250_000', 'values.fill(-1)'))).toEqual([[7, true]])
  })

  test('that is shared and overwritten right after Tensor.from was copied before', async () => {
    expect(await runProgram(first('new SharedArrayBuffer(1_000_000)', 'values.fill(-1)'))).toEqual([[7, true]])
  })

  test('that is shared and written by a worker meanwhile gives values that it held', async () => {
    const [outcome] = await runProgram(`
      import { Worker } from 'node:worker_threads'
      import { once } from 'node:events'
      const shared = new Int32Array(new SharedArrayBuffer(40_000))
      const worker = new Worker(
        'const { workerData, parentPort } = require("node:worker_threads"); parentPort.postMessage(1); for (let i = 1; ; i++) workerData.fill(i)',
        { eval: true, workerData: shared, execArgv: [] })
      await once(worker, 'message')
      let last = 0
      let backwards = 0
      for (let i = 0; i < 200; i++) {
        const data = await Tensor.from(shared, [10_000]).data()
        if (data[0] < last || data.some((value) => value < 0)) backwards++
        last = data[0]
      }
      await worker.terminate()
      print([backwards, last > 0])`)
    expect(outcome).toEqual([0, true])
  })

  test('detached before the call is refused with a typed error', async () => {
    const [code] = await runProgram(`
      const values = new Float32Array(4)
      structuredClone(values.buffer, { transfer: [values.buffer] })
      try { Tensor.from(values, [4]) } catch (error) { print(error.code) }`)
    expect(code).toMatch(/^ERR_TORCH_(SHAPE|INVALID_ARGUMENT)$/)
  })

  test.each([100, 250_000])('that data() gave of %d values belongs to the caller', async (count) => {
    const [outcome] = await runProgram(`
      const tensor = Tensor.from(new Float32Array(${count}).fill(7), [${count}])
      const [first, second] = [await tensor.data(), await tensor.data()]
      first.fill(0)
      // One that lies on memory of libtorch cannot be transferred; how Node says so depends on its version.
      try { structuredClone(second.buffer, { transfer: [second.buffer] }) } catch {}
      const third = await tensor.data()
      tensor.dispose()
      print([first, structuredClone(first)].map((data) => data.every((value) => value === 0)))
      print(third.every((value) => value === 7))`)
    expect(outcome).toEqual([true, true])
  })

  test('of Module.load may be overwritten or detached right after the call', async () => {
    const lines = await runProgram(`
      const module = await slowModule()
      const archive = await module.toBytes()
      const overwritten = archive.slice()
      const loads = [Module.load(overwritten).catch((error) => error.code)]
      overwritten.fill(0)
      const detached = archive.slice()
      loads.push(Module.load(detached).catch((error) => error.code))
      structuredClone(detached.buffer, { transfer: [detached.buffer] })
      for (const loaded of await Promise.all(loads)) {
        print(typeof loaded === 'string' ? loaded : (await loaded.forward(matrix(), 1)).shape)
      }`)
    expect(lines).toEqual([
      [64, 64],
      [64, 64],
    ])
  })
})
