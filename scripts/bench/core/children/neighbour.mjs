// Latency of one forward at a time, alone and beside a busy neighbour. Argument: JSON {root, stack, ..., seconds,
// phases}; scripts/bench/peers/neighbour.py does the same in Python.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { equalsGolden, openResnet18, readGolden } from '../../resnet18.mjs'

const { root, seconds, phases, ...stack } = JSON.parse(process.argv[2])
const golden = readGolden(root)
const network = await openResnet18(stack, golden)
for (let i = 0; i < 5; i += 1) await network.run()

let correct = true

/** Latencies in ms; at least five. */
async function measure() {
  const latencies = []
  const end = performance.now() + seconds * 1000
  while (performance.now() < end || latencies.length < 5) {
    const start = performance.now()
    const logits = await network.run()
    latencies.push(performance.now() - start)
    correct = equalsGolden(logits, golden) && correct
  }
  return latencies
}

async function besideNeighbour(work) {
  const neighbour = spawn(process.execPath, [join(import.meta.dirname, 'busy.mjs')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await once(neighbour.stdout, 'data')
  const result = await work()
  neighbour.kill('SIGKILL')
  await once(neighbour, 'exit')
  return result
}

const quiet = []
const busy = []
for (let i = 0; i < phases; i += 1) {
  quiet.push(...(await measure()))
  busy.push(...(await besideNeighbour(measure)))
}
await network.close()
console.log(JSON.stringify({ quiet, busy, correct }))
