// Decoded pixels are read where they lie, by threads that no JS sees: what the process may do meanwhile.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { repeated, runProgram } from '../support/program.js'
import { repositoryRoot } from '../support/source-files.js'

const dist = (path: string) => JSON.stringify(pathToFileURL(join(repositoryRoot, 'dist', path)).href)
const large = JSON.stringify(join(repositoryRoot, 'test', 'golden', 'images', 'large.jpg'))

/** `write()`: one native call of about 30 ms on 72 MB. */
const start = `
const { native } = await import(${dist('core/native.js')})
const { arrived } = await import(${dist('core/arrivals.js')})
const { preprocess } = await import(${dist('io/preprocess.js')})
const placement = { filter: 'bicubic', width: 353, height: 235, left: 64, top: 5, fill: [0, 0, 0], table: undefined }
const batch = new (native().NativeTensor)(new Uint8Array(3 * 224 * 224), 'uint8', [1, 3, 224, 224])
const pixels = () => new Uint8Array(6000 * 4000 * 3).fill(200)
const write = (samples = pixels(), context) =>
  arrived(native().writeImage(batch, 0, { samples, format: 'rgb', width: 6000, height: 4000 }, placement, context))
const outcome = (promise) => promise.then(() => 'written', (error) => error.code)
`

describe('while pixels are read', repeated, () => {
  test('nobody else needs to hold them: the garbage collector leaves them', async () => {
    const [outcomes, sum] = await runProgram(
      `${start}
      const calls = Array.from({ length: 6 }, () => outcome(write()))
      for (let i = 0; i < 6; i++) { await sleep(10); gc() }
      print(await Promise.all(calls))
      print(new Uint8Array((await arrived(batch.bytes())).buffer).every((value) => value === 200))`,
      { flags: ['--expose-gc'] },
    )
    expect(outcomes).toEqual(Array(6).fill('written'))
    expect(sum).toBe(true)
  })

  test('a buffer that is detached meanwhile is said so', async () => {
    const [outcomes] = await runProgram(`${start}
      const samples = pixels()
      const call = outcome(write(samples))
      const moved = structuredClone(samples.buffer, { transfer: [samples.buffer] })
      print([await call, moved.byteLength])`)
    expect(outcomes).toEqual(['ERR_TORCH_INVALID_ARGUMENT', 72_000_000])
  })

  test('it stays where it is, and then is freed, unless it is a part of another buffer', async () => {
    const [lengths] = await runProgram(`${start}
      const samples = pixels()
      const call = write(samples)
      const during = samples.length
      await call
      const part = new Uint8Array(6000 * 4000 * 3 + 1).subarray(1)
      await write(part)
      print([during, samples.length, part.length])`)
    expect(lengths).toEqual([72_000_000, 0, 72_000_000])
  })

  test('a batch that is disposed stays until it is written', async () => {
    const [outcomes] = await runProgram(`${start}
      const calls = [outcome(write()), outcome(write())]
      batch.dispose()
      print([await Promise.all(calls), handles().tensors])`)
    expect(outcomes).toEqual([['written', 'written'], 0])
  })

  test('a cancelled call that waits is not run', async () => {
    const [outcomes] = await runProgram(`${start}
      const cancellation = new (native().NativeCancellation)()
      const calls = [pixels(), pixels(), pixels(), pixels(), pixels(), pixels(), pixels(), pixels()]
        .map((samples) => outcome(write(samples, { cancellation })))
      cancellation.cancel()
      const ends = await Promise.all(calls)
      print([ends.at(-1), new Set(ends).size <= 2])`)
    expect(outcomes).toEqual(['ERR_TORCH_ABORTED', true])
  })

  test('process.exit ends the process with its code', async () => {
    await runProgram(
      `${start}
      for (let i = 0; i < 10; i++) write()
      for (let i = 0; i < 10; i++) preprocess(${large})
      setTimeout(() => process.exit(7), 20)`,
      { code: 7 },
    )
  })

  test('an uncaught error ends the process as ever', async () => {
    await runProgram(
      `${start}
      for (let i = 0; i < 10; i++) write()
      setTimeout(() => { throw new Error('planned') }, 20)`,
      { code: 1, stderr: /planned/ },
    )
  })
})

const workers = `
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
const source = \`
  const { parentPort, workerData } = require('node:worker_threads')
  ;(async () => {
    const { arrived } = await import(${dist('core/arrivals.js')})
const { preprocess } = await import(${dist('io/preprocess.js')})
    const raw = { pixels: new Uint8Array(4000 * 3000 * 3).fill(workerData), width: 4000, height: 3000 }
    const call = () => preprocess([raw, ${large.replaceAll('\\', '\\\\')}], {}, { normalize: false })
    const first = call()
    parentPort.postMessage('running')
    const values = await (await first).data('uint8')
    for (let i = 0; i < 5; i++) (await call()).dispose()
    parentPort.postMessage(values.subarray(0, 3 * 224 * 224).every((value) => value === workerData))
  })()
\`
const launch = (value) => new Worker(source, { eval: true, workerData: value, execArgv: [] })
`

describe('workers', repeated, () => {
  test('two preprocess at once, and get their own pixels', async () => {
    const [ends] = await runProgram(`${workers}
      const run = async (value) => {
        const worker = launch(value)
        const messages = []
        worker.on('message', (message) => messages.push(message))
        const [code] = await once(worker, 'exit')
        return [code, ...messages]
      }
      print(await Promise.all([run(7), run(200)]))`)
    expect(ends).toEqual([
      [0, 'running', true],
      [0, 'running', true],
    ])
  })

  test('that are terminated in mid-read leave the others reading', async () => {
    const [outcomes] = await runProgram(`${workers}${start}
      const outcomes = []
      for (let i = 0; i < 8; i++) {
        const worker = launch(i)
        await once(worker, 'message')
        const own = outcome(write())
        await sleep(i * 5)
        await worker.terminate()
        outcomes.push(await own)
      }
      print(outcomes)`)
    expect(outcomes).toEqual(Array(8).fill('written'))
  })
})

test('500 images leave as much memory as 100 did', async () => {
  const [growth] = await runProgram(`${start}
    const images = Array(10).fill(${large})
    const rounds = async (n) => { for (let i = 0; i < n; i++) (await preprocess(images)).dispose() }
    await rounds(10)
    const before = process.memoryUsage.rss()
    await rounds(40)
    print((process.memoryUsage.rss() - before) / before)`)
  expect(growth).toBeLessThan(0.15) // 0.05 is the bench's bound, on a quiet machine
})
