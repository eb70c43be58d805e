// How long the event loop stands still while forwards are always in flight. Argument: JSON {root, stack, ..., inFlight,
// seconds}.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { equalsGolden, openResnet18, readGolden } from '../../resnet18.mjs'
import { quantile } from '../../statistics.mjs'

const { root, inFlight, seconds, ...stack } = JSON.parse(process.argv[2])
const golden = readGolden(root)
const network = await openResnet18(stack, golden)
for (let i = 0; i < 4; i += 1) await network.run() // executors, caches and thread pools come to rest

let running = true
let runs = 0
let correct = true

async function keepRunning() {
  while (running) {
    correct = equalsGolden(await network.run(), golden) && correct
    runs += 1
  }
}

/** Durations of reading a file of 4 KiB, ms, one every 5 ms where the loop lets it. */
async function sampleReadFile(file) {
  const samples = []
  while (running) {
    const start = performance.now()
    await readFile(file)
    samples.push(performance.now() - start)
    await sleep(5)
  }
  return samples
}

const folder = await mkdtemp(join(tmpdir(), 'bench-event-loop-'))
const file = join(folder, 'small')
await writeFile(file, Buffer.alloc(4096, 1))

const loops = Array.from({ length: inFlight }, keepRunning)
await sleep(500)
runs = 0
const histogram = monitorEventLoopDelay({ resolution: 1 })
histogram.enable()
const reading = sampleReadFile(file)
const start = performance.now()
await sleep(seconds * 1000)
running = false
histogram.disable()
const elapsed = performance.now() - start
const readFileSamples = await reading
await Promise.all(loops)
await network.close()
await rm(folder, { recursive: true })

console.log(
  JSON.stringify({
    delayP99: histogram.percentile(99) / 1e6,
    delayMax: histogram.max / 1e6,
    readFileP99: quantile(readFileSamples, 0.99),
    reads: readFileSamples.length,
    runsPerSecond: (runs / elapsed) * 1000,
    runs,
    correct,
  }),
)
