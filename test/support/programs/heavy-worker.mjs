// A worker whose calls never end.
import { parentPort } from 'node:worker_threads'
import { startHeavyWork } from './prelude.mjs'

await startHeavyWork()
parentPort.postMessage('running')
setInterval(() => {}, 1000)
