// neighbour.p50: by how much does one busy neighbour slow a forward down? Spinning thread pools collapse there.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CannotRunHere, measureInChild } from '../child.mjs'
import { equalsGolden, readGolden, resnet18Stacks } from '../resnet18.mjs'
import { median, round } from '../statistics.mjs'

const children = join(import.meta.dirname, 'children')
const pythonScript = join(import.meta.dirname, '..', 'peers', 'neighbour.py')
const threads = 2

/** Latencies of one stack over all rounds: {quiet, busy, correct}. */
class Latencies {
  quiet = []
  busy = []
  correct = true

  add({ quiet, busy, correct }) {
    this.quiet.push(...quiet)
    this.busy.push(...busy)
    this.correct &&= correct
  }

  get slowdown() {
    return median(this.busy) / median(this.quiet)
  }

  get count() {
    return this.quiet.length + this.busy.length
  }

  toString() {
    return `${round(median(this.quiet))} -> ${round(median(this.busy))} ms`
  }
}

async function measureOurs({ root, peers }, duration, spin) {
  const options = { root, threads, spin, ...duration, ...resnet18Stacks({ root, peers }).ours }
  const args = [join(children, 'neighbour.mjs'), JSON.stringify(options)]
  return (await measureInChild(process.execPath, args, { cwd: root })).result
}

async function measurePython({ root, peers, oraclePython }, duration, golden, input) {
  const options = {
    ...duration,
    threads,
    archive: resnet18Stacks({ root, peers }).ours.model,
    input,
    shape: golden.shape,
    node: process.execPath,
    busy: join(children, 'busy.mjs'),
  }
  const { result } = await measureInChild(oraclePython, [pythonScript, JSON.stringify(options)], { cwd: root })
  return { ...result, correct: equalsGolden(result.logits, golden) }
}

async function measure(context) {
  if (availableParallelism() < threads) throw new CannotRunHere(`needs ${threads} cores`)
  const golden = readGolden(context.root)
  const folder = mkdtempSync(join(tmpdir(), 'bench-neighbour-'))
  const input = join(folder, 'input.f32')
  writeFileSync(input, golden.input)
  const [rounds, duration] = context.quick ? [1, { phases: 1, seconds: 0.5 }] : [2, { phases: 2, seconds: 3 }]
  const ours = { shared: new Latencies(), latency: new Latencies() }
  const python = new Latencies()
  for (let i = 0; i < rounds; i += 1) {
    ours.shared.add(await measureOurs(context, duration, 'shared'))
    python.add(await measurePython(context, duration, golden, input))
    ours.latency.add(await measureOurs(context, duration, 'latency'))
  }
  rmSync(folder, { recursive: true })
  const figures = (side) => ({
    ours: side.slowdown,
    peer: python.slowdown,
    peerName: 'Python torch',
    n: side.count,
    correct: side.correct && python.correct,
    note: `p50 quiet -> busy: ours ${side}, peer ${python} (${python.count} runs)`,
  })
  return { 'neighbour.p50': figures(ours.shared), 'neighbour.p50.latency': figures(ours.latency) }
}

export const neighbour = {
  rows: ['neighbour.p50', 'neighbour.p50.latency'].map((row) => ({ row, unit: 'times', better: 'lower' })),
  measure,
}
