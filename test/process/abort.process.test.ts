// AbortSignal: before, during and after a call, without a listener or a result left behind.
import { describe, expect, test } from 'vitest'
import { repeated, runProgram } from '../support/program.js'

const listeners = `
import { getEventListeners } from 'node:events'
const listeners = (signal) => getEventListeners(signal, 'abort').length
const outcome = (promise) => promise.then(() => 'resolved', (error) => error)
`

describe('a call with a signal', repeated, () => {
  test('that is aborted already rejects with the reason and is not queued', async () => {
    const [outcomes] = await runProgram(`${listeners}
      const module = await slowModule()
      const reason = { mine: true }
      const signal = AbortSignal.abort(reason)
      const result = await outcome(module.call('forward', [matrix(), endless], { signal }))
      print([result === reason, listeners(signal), queueDepths()['cpu:0'] ?? 0])`)
    expect(outcomes).toEqual([true, 0, 0])
  })

  test('aborted while it runs rejects at once, and its late result is disposed', async () => {
    const [outcomes] = await runProgram(`${listeners}
      const module = await slowModule()
      const input = matrix()
      const before = handles()
      const controller = new AbortController()
      const result = outcome(module.call('forward', [input, 20_000], { signal: controller.signal }))
      await sleep(30)
      controller.abort()
      const error = await result
      const stillRunning = queueDepths()['cpu:0']
      const last = await module.forward(input, 1)
      last.dispose()
      print([error.name, stillRunning, listeners(controller.signal), handles(), before])`)
    const [name, stillRunning, left, after, before] = outcomes as unknown[]
    expect([name, stillRunning, left]).toEqual(['AbortError', 1, 0])
    expect(after).toEqual(before)
  })

  test('aborted while it waits never runs', async () => {
    const lines = await runProgram(`${listeners}
      const module = await Module.fromSource('def forward(self, x, n: int):\\n    for i in range(n):\\n        x.add_(1)\\n    return x\\n')
      const [first, second] = [Tensor.from([0]), Tensor.from([0])]
      const controller = new AbortController()
      const running = module.forward(first, 50_000)
      const waiting = outcome(module.call('forward', [second, 1], { signal: controller.signal }))
      controller.abort('enough')
      print(await waiting)
      await running
      const third = await module.forward(Tensor.from([0]), 1)
      print([await first.item(), await second.item(), await third.item()])`)
    expect(lines).toEqual(['enough', [50_000, 0, 1]])
  })

  test('aborted after its end changes nothing', async () => {
    const [outcomes] = await runProgram(`${listeners}
      const module = await slowModule()
      const controller = new AbortController()
      const result = await module.call('forward', [matrix(), 1], { signal: controller.signal })
      controller.abort()
      print([result.disposed, (await result.data()).length, listeners(controller.signal)])`)
    expect(outcomes).toEqual([false, 4096, 0])
  })

  test('aborted in the very callback of its settlement keeps the result', async () => {
    const [outcomes] = await runProgram(`${listeners}
      const module = await slowModule()
      const controller = new AbortController()
      const call = module.call('forward', [matrix(), 1], { signal: controller.signal })
      const result = await call.then((tensor) => { controller.abort(); return tensor })
      print([result.disposed, (await result.data()).length])`)
    expect(outcomes).toEqual([false, 4096])
  })

  test('that times out rejects with TimeoutError', async () => {
    const [outcomes] = await runProgram(
      `${listeners}
      const module = await slowModule()
      const error = await outcome(module.call('forward', [matrix(), endless], { signal: AbortSignal.timeout(20) }))
      print(error.name)
      process.exit(0)`,
    )
    expect(outcomes).toBe('TimeoutError')
  })

  test('leaves no listener and no result after 1,000 calls of each end on one signal, and no warning', async () => {
    const lines = await runProgram(`${listeners}
      const module = await Module.fromSource('def forward(self, x, fail: bool):\\n    assert not fail\\n    return x + 1\\n')
      const input = matrix()
      const before = handles()
      const call = (signal, fail) => module.call('forward', [input, fail], { signal })
      const thousand = (make) => Promise.allSettled(Array.from({ length: 1000 }, make))
      const count = (ends) => ends.filter(({ status }) => status === 'fulfilled').length
      const lazy = new AbortController()
      const resolved = await thousand(() => call(lazy.signal, false))
      for (const { value } of resolved) value.dispose()
      print([count(resolved), listeners(lazy.signal)])
      print([count(await thousand(() => call(lazy.signal, true))), listeners(lazy.signal)])
      print([count(await thousand(() => call(lazy.signal, 'no boolean'))), listeners(lazy.signal)])
      const eager = new AbortController()
      const aborted = thousand(() => call(eager.signal, false))
      eager.abort()
      print([count(await aborted), listeners(eager.signal)])
      print([count(await thousand(() => call(eager.signal, false))), listeners(eager.signal)])
      ;(await module.forward(input, false)).dispose()
      await sleep(0)
      print([before, handles()])`)
    const [before, after] = lines.pop() as unknown[]
    expect(lines).toEqual([
      [1000, 0],
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ])
    expect(after).toEqual(before)
  })

  test('of Module.load and tensor.to leaves no listener and no handle', async () => {
    const [outcomes] = await runProgram(`${listeners}
      const source = await slowModule() // held: the collector must not change the count
      const bytes = await source.toBytes()
      const tensor = matrix()
      const before = handles()
      let wrong = 0
      for (let i = 0; i < 100; i++) {
        const controller = new AbortController()
        const calls = [
          Module.load(bytes, { signal: controller.signal }),
          tensor.to({ dtype: 'float64', signal: controller.signal }),
        ].map((call) => call.then((handle) => handle.dispose(), (error) => { if (error !== 'stop') wrong++ }))
        if (i % 3) await sleep(0)
        controller.abort('stop')
        await Promise.all(calls)
        wrong += listeners(controller.signal)
      }
      await until(() => handles().modules === before.modules && handles().tensors === before.tensors)
      source.dispose()
      print(wrong)`)
    expect(outcomes).toBe(0)
  })
})
