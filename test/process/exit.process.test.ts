// How a process ends: by itself, by process.exit, by an error, idle or with calls in flight.
import { describe, expect, test } from 'vitest'
import { repeated, runProgram } from '../support/program.js'

/** Node's own report of an uncaught error and nothing after it: what a native crash prints would come last. */
const nodesReport = (message: string) => new RegExp(`${message}[^]*\\nNode\\.js v[\\d.]+\\n$`)

const running = 'await startHeavyWork()'

describe('a process that does nothing more', repeated, () => {
  test('ends by itself with code 0 after its work, nothing disposed', async () => {
    const lines = await runProgram(`
      const module = await slowModule()
      const result = await module.forward(matrix(), 10)
      print(result.shape)`)
    expect(lines).toEqual([[64, 64]])
  })

  test('ends by itself when libtorch is open and nothing was computed', async () => {
    await runProgram('libtorch.boot(); Tensor.from([1, 2, 3])')
  })

  test('ends by itself after draws from generators that nobody disposed, its own and the default one', async () => {
    const lines = await runProgram(`
      globalThis.held = [new Generator(1), Generator.default()]
      const module = await drawingModule()
      for (const generator of held) print((await module.call('forward', [10], { generator })).shape)`)
    expect(lines).toEqual([[4], [4]])
  })

  test('ends by itself when everything was disposed', async () => {
    const lines = await runProgram(`
      const before = handles()
      const module = await slowModule()
      const input = matrix()
      const result = await module.forward(input, 10)
      for (const handle of [module, input, result, result]) handle.dispose()
      print([before, handles()])`)
    const [before, after] = lines[0] as unknown[]
    expect(after).toEqual(before)
  })

  test('ends with the exitCode that it has set', async () => {
    await runProgram('await (await slowModule()).forward(matrix(), 1); process.exitCode = 21', { code: 21 })
  })
})

test("a call after 'exit' was emitted, which need not be the end, is refused and does not hang", repeated, async () => {
  const [before, after] = await runProgram(`
    print((await ops.add(Tensor.from([1]), 1)).shape)
    process.exitCode = 0 // else Node's own listener says that this program has not ended
    process.emit('exit', 0)
    print(await ops.add(Tensor.from([1]), 1).catch((error) => error.code))`)
  expect([before, after]).toEqual([[1], 'ERR_TORCH_ABORTED'])
})

describe('the event loop', repeated, () => {
  test('lives as long as a call is pending, even if nobody awaits it', async () => {
    const lines = await runProgram(`
      process.on('beforeExit', () => print('beforeExit'))
      const module = await slowModule()
      print('started')
      module.forward(matrix(), 20_000).then(() => print('settled'))`)
    expect(lines).toEqual(['started', 'settled', 'beforeExit'])
  })

  test('lives through calls that beforeExit starts, and then ends', async () => {
    const lines = await runProgram(`
      const module = await slowModule()
      let rounds = 0
      process.on('beforeExit', () => {
        if (rounds++ < 3) module.forward(matrix(), 100).then(() => print(rounds))
      })`)
    expect(lines).toEqual([1, 2, 3])
  })

  test('does not live on a handle, nor on a call that has failed', async () => {
    const lines = await runProgram(`
      const module = await slowModule()
      globalThis.held = [module, matrix()]
      await module.forward('no tensor', 1).catch((error) => print(error.code))
      await module.forward(Tensor.from(new Float32Array(6), [2, 3]), 1).catch((error) => print(error.code))`)
    expect(lines).toEqual(['ERR_TORCH_INVALID_ARGUMENT', 'ERR_TORCH_MODULE_RUN'])
  })
})

describe('process.exit', repeated, () => {
  test('idle ends with its code', async () => {
    await runProgram('await (await slowModule()).forward(matrix(), 10); process.exit(42)', { code: 42 })
  })

  test('before libtorch is open ends with its code', async () => {
    await runProgram('process.exit(5)', { code: 5 })
  })

  test('right after a call was queued ends with its code', async () => {
    await runProgram('const module = await slowModule(); module.forward(matrix(), endless); process.exit(6)', {
      code: 6,
    })
  })

  test('while a call runs that would run for hours ends with its code, within seconds', async () => {
    const lines = await runProgram(`${running}; print(Date.now()); process.exit(7)`, { code: 7 })
    expect(Date.now() - (lines[0] as number)).toBeLessThan(10_000)
  })

  test('while 16 calls of a slow module are queued does not run them first', async () => {
    const lines = await runProgram(
      `
      const module = await slowModule()
      const calls = Array.from({ length: 16 }, () => module.forward(matrix(), 30_000))
      for (const call of calls) call.then(() => print('settled'))
      await sleep(30)
      print(queueDepths()['cpu:0'])
      process.exit(9)`,
      { code: 9 },
    )
    expect(lines).toEqual([16])
  })

  test('while a call has the default generator to itself, and others wait for it, ends with its code', async () => {
    const lines = await runProgram(
      `
      const [module, other, third] = await Promise.all([0, 1, 2].map((lane) => drawingModule({ lane })))
      module.call('forward', [endless], { generator: new Generator(1) })
      await sleep(100)
      const waiting = [other.call('forward', [1], { generator: new Generator(2) }), third.forward(1)]
      for (const call of waiting) call.then(() => print('settled'))
      new Generator(3).getState()
      await sleep(30)
      process.exit(19)`,
      { code: 19 },
    )
    expect(lines).toEqual([])
  })

  test('inside the callback of a promise of ours ends with its code', async () => {
    await runProgram(
      `
      const module = await slowModule()
      for (let i = 0; i < 8; i++) module.forward(matrix(), 1000).then(() => process.exit(10))
      await sleep(60_000)`,
      { code: 10 },
    )
  })

  test('inside an exit handler that starts another call ends with the last code', async () => {
    await runProgram(
      `
      const module = await slowModule()
      process.on('exit', () => { module.forward(matrix(), endless); process.exitCode = 12 })
      process.exit(11)`,
      { code: 12 },
    )
  })

  test('while a module is loaded and another one saved ends with its code', async () => {
    await runProgram(
      `
      const module = await slowModule()
      const bytes = await module.toBytes()
      for (let i = 0; i < 64; i++) { Module.load(bytes); module.toBytes(); Module.fromSource('def forward(self, x):\\n    return x\\n') }
      await sleep(5)
      process.exit(13)`,
      { code: 13 },
    )
  })

  // Several times in a plain run, too: a destructor that runs too early is noticed in one of three runs or so.
  test('while calls run on all threads of two lanes ends with its code', {
    repeats: Math.max(5, repeated.repeats),
  }, async () => {
    await runProgram('await startHeavyWork(); process.exit(14)', { code: 14 })
  })

  test('inside a promise callback while calls run on all threads ends with its code', async () => {
    await runProgram(
      `
      const module = await slowModule({ lane: 2 })
      await startHeavyWork()
      module.forward(matrix(), 10).then(() => process.exit(15))
      await sleep(60_000)`,
      { code: 15 },
    )
  })
})

describe('an error that nobody handles', repeated, () => {
  test('thrown while a call runs ends with code 1 and Node’s report', async () => {
    await runProgram(`${running}; setImmediate(() => { throw new Error('planned') })`, {
      code: 1,
      stderr: nodesReport('Error: planned'),
    })
  })

  test('rejected while a call runs ends with code 1 and Node’s report', async () => {
    await runProgram(`${running}; Promise.reject(new Error('planned')); await sleep(60_000)`, {
      code: 1,
      stderr: nodesReport('Error: planned'),
    })
  })

  test('of a call itself ends with code 1 and names the error’s code', async () => {
    await runProgram(
      `
      const module = await slowModule()
      module.forward(matrix(), endless)
      module.forward('no tensor', 1)
      await sleep(60_000)`,
      { code: 1, stderr: nodesReport("code: 'ERR_TORCH_INVALID_ARGUMENT'") },
    )
  })

  test('thrown in the callback of a promise of ours ends with code 1 and Node’s report', async () => {
    await runProgram(
      `
      const module = await slowModule()
      module.forward(matrix(), 10).then(() => { module.forward(matrix(), endless); throw new Error('planned') })
      await sleep(60_000)`,
      { code: 1, stderr: nodesReport('Error: planned') },
    )
  })

  test('goes to a handler of the program, which may end with its own code', async () => {
    await runProgram(
      `
      process.on('uncaughtException', () => process.exit(33))
      ${running}
      throw new Error('planned')`,
      { code: 33 },
    )
  })
})
