// A worker with a module of its own: starts `calls` calls of `n` iterations, reports, and stays until they have settled.
// With a `seed` the calls have a generator of their own.
import { parentPort, workerData } from 'node:worker_threads'
import { Generator, matrix, memory, sleep, slowModule } from './prelude.mjs'

const { calls = 1, n = 100, lane = 0, exitCode, fail = false, seed } = workerData ?? {}
const module = await slowModule({ lane })
const generator = seed === undefined ? undefined : new Generator(seed)
const settled = Array.from({ length: calls }, () => module.call('forward', [matrix(), n], { generator }))
await sleep(20)
parentPort.postMessage({ running: memory().modules })
if (exitCode !== undefined) process.exit(exitCode)
if (fail) throw new Error('planned')
const results = await Promise.all(settled)
const sums = await Promise.all(
  results.map(async (result) => (await result.data()).reduce((sum, value) => sum + value, 0)),
)
parentPort.postMessage({ sums })
