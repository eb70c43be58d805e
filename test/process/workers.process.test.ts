// worker_threads: each is an environment of its own on the libtorch and the executors of the process.
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { programUrl, repeated, runProgram } from '../support/program.js'

const start = `
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
const start = (workerData) => new Worker(new URL(${JSON.stringify(programUrl('slow-worker.mjs'))}), { workerData, execArgv: [] })
const ended = (worker) => new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
/** The messages and the exit code of a worker that ends by itself. */
const whole = async (worker) => {
  const messages = []
  worker.on('message', (message) => messages.push(message))
  return { code: await ended(worker), messages }
}
const sumOf = async (tensor) => (await tensor.data()).reduce((sum, value) => sum + value, 0)
`

describe('workers', repeated, () => {
  test('compute at once, on modules of their own, what the main thread computes', async () => {
    const [own, workers] = await runProgram(`${start}
      const both = [0, 1].map((lane) => whole(start({ lane, calls: 20, n: 3 })))
      print(await sumOf(await (await slowModule({ lane: 2 })).forward(matrix(), 3)))
      print(await Promise.all(both))`)
    expect(own).toBeGreaterThan(0)
    const sums = Array(20).fill(own)
    const ending = { code: 0, messages: [expect.anything(), { sums }] }
    expect(workers).toEqual([ending, ending])
  })

  test('share a lane and still get their own results', async () => {
    const [ends] = await runProgram(`${start}
      print(await Promise.all([whole(start({ calls: 30, n: 1 })), whole(start({ calls: 30, n: 2 }))]))`)
    const [first, second] = (ends as { messages: [unknown, { sums: number[] }] }[]).map((end) => end.messages[1].sums)
    expect(new Set(first).size).toBe(1)
    expect(new Set(second).size).toBe(1)
    expect(first?.[0]).not.toBe(second?.[0])
  })

  test('boot libtorch where the main thread never does', async () => {
    const [end] = await runProgram(`${start} print(await whole(start({ n: 1 })))`)
    expect(end).toMatchObject({ code: 0 })
  })

  test('load, run and exit ten times in a row, and leave no handle behind', async () => {
    const lines = await runProgram(`${start}
      libtorch.boot()
      const before = handles()
      for (let i = 0; i < 10; i++) print(await whole(start({ calls: 3, n: 2 })))
      print([before, handles()])`)
    const [before, after] = lines.pop() as [unknown, unknown]
    expect(after).toEqual(before)
    const sum = expect.any(Number)
    expect(lines).toEqual(Array(10).fill({ code: 0, messages: [{ running: 1 }, { sums: [sum, sum, sum] }] }))
  })

  test('that end by process.exit or by an error in mid-run leave the others running', async () => {
    const lines = await runProgram(`${start}
      const module = await slowModule({ lane: 3 })
      for (let i = 0; i < 3; i++) {
        print((await whole(start({ calls: 3, n: 5000, exitCode: 9 }))).code)
        await whole(start({ calls: 3, n: 5000, fail: true })).catch((error) => print(error.message))
      }
      print((await module.forward(matrix(), 10)).shape)`)
    expect(lines).toEqual([9, 'planned', 9, 'planned', 9, 'planned', [64, 64]])
  })
})

describe('worker.terminate', repeated, () => {
  test('20 times in mid-run leaves a main thread that computes on, and no handle', async () => {
    const lines = await runProgram(`${start}
      const module = await slowModule()
      const wanted = await sumOf(await module.forward(matrix(), 3))
      const before = handles()
      for (let i = 0; i < 20; i++) {
        const worker = start({ calls: 4, n: 2000 })
        await once(worker, 'message')
        await worker.terminate()
      }
      const sum = await sumOf(await scope(() => module.forward(matrix(), 3)))
      print(sum === wanted)
      await until(() => handles().modules === before.modules)
      print(handles().modules - before.modules)`)
    expect(lines).toEqual([true, 0])
  })

  test('in mid-call with a generator: who draws meanwhile waits, and then draws from the default stream', async () => {
    const lines = await runProgram(`${start}
      const standard = Generator.default()
      const draw = () => scope(async () => [...(await (await ops.rand([3])).data())].join())
      await standard.seed(7)
      const wanted = await draw()
      const before = handles()
      for (let i = 0; i < 5; i++) {
        await standard.seed(7)
        const worker = start({ calls: 4, n: 4000, lane: 1, seed: i })
        await once(worker, 'message')
        await worker.terminate()
        print((await draw()) === wanted)
      }
      await until(() => handles().generators === before.generators)`)
    expect(lines).toEqual(Array(5).fill(true))
  })

  test('drops the calls that had not started', async () => {
    const lines = await runProgram(`${start}
      const module = await slowModule()
      const milliseconds = async () => {
        const begin = performance.now()
        await module.forward(matrix(), 5000)
        return performance.now() - begin
      }
      const alone = await milliseconds()
      const worker = start({ calls: 100, n: 5000 })
      await once(worker, 'message')
      await worker.terminate()
      print((await milliseconds()) / alone)`)
    // One that ran and our own, not a hundred: as often as a call alone takes, on a machine of any speed.
    expect(lines[0]).toBeLessThan(30)
  })

  test('at once, at any moment of its start, leaves a main thread that computes', async () => {
    const lines = await runProgram(`${start}
      const module = await slowModule()
      for (let i = 0; i < 10; i++) {
        const worker = start({ n: 500 })
        await sleep(i * 15)
        await worker.terminate()
      }
      print((await module.forward(matrix(), 10)).shape)`)
    expect(lines).toEqual([[64, 64]])
  })

  test('in mid-load of an archive in memory leaves the others loading', async () => {
    const path = join(temporaryFolder(), 'large.pt')
    const outcomes = await runProgram(`${start}
      import { readFile } from 'node:fs/promises'
      const program = await Module.fromSource('def forward(self):\\n    return 1\\n')
      const large = await program.derive({ parameters: { weight: await ops.zeros([2 ** 22]) } })
      await large.save(${JSON.stringify(path)})
      const archive = await readFile(${JSON.stringify(path)})
      for (let i = 0; i < 8; i++) {
        const worker = new Worker(new URL(${JSON.stringify(programUrl('loading-worker.mjs'))}), { workerData: archive, execArgv: [] })
        await once(worker, 'message')
        const own = Module.load(archive)
        await sleep(i * 3)
        await worker.terminate()
        print(await (await own).forward())
      }`)
    expect(outcomes).toEqual(Array(8).fill(1))
  })

  test('of the only thread that computes does not stop the process from ending', async () => {
    await runProgram(`${start}
      const worker = start({ n: endless })
      await once(worker, 'message')
      await worker.terminate()`)
  })

  test('of a worker whose calls run for hours: the main thread ends by itself with code 0', async () => {
    await runProgram(`
      import { Worker } from 'node:worker_threads'
      import { once } from 'node:events'
      await (await slowModule()).forward(matrix(), 1)
      const worker = new Worker(new URL(${JSON.stringify(programUrl('heavy-worker.mjs'))}), { execArgv: [] })
      await once(worker, 'message')
      await worker.terminate()`)
  })
})

describe('a process with workers in mid-run', repeated, () => {
  test('ends by process.exit with its code', async () => {
    await runProgram(
      `${start}
      const workers = [0, 1].map((lane) => start({ lane, n: endless }))
      await Promise.all(workers.map((worker) => once(worker, 'message')))
      await startHeavyWork()
      process.exit(15)`,
      { code: 15 },
    )
  })

  test('and a main thread that never loaded libtorch ends by process.exit with its code', async () => {
    await runProgram(
      `
      import { Worker } from 'node:worker_threads'
      import { once } from 'node:events'
      await once(new Worker(new URL(${JSON.stringify(programUrl('heavy-worker.mjs'))}), { execArgv: [] }), 'message')
      process.exit(16)`,
      { code: 16 },
    )
  })

  test('whose event loop they keep alive ends when they have ended', async () => {
    const lines = await runProgram(`${start}
      for (const lane of [0, 1]) start({ lane, n: 3000 }).on('message', ({ sums }) => { if (sums) print('worker') })
      process.on('exit', () => print('main'))`)
    expect(lines).toEqual(['worker', 'worker', 'main'])
  })
})
