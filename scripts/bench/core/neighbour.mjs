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

  toString() {
    return `${round(median(this.quiet))} -> ${round(median(this.busy))} ms`
  }
}

async function measureOurs({ root, peers }, duration) {
  const options = { root, threads, ...duration, ...resnet18Stacks({ root, peers }).ours }
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
  const ours = new Latencies()
  const python = new Latencies()
  for (let i = 0; i < rounds; i += 1) {
    ours.add(await measureOurs(context, duration))
    python.add(await measurePython(context, duration, golden, input))
  }
  rmSync(folder, { recursive: true })
  return {
    'neighbour.p50': {
      ours: ours.slowdown,
      peer: python.slowdown,
      peerName: 'Python torch',
      n: ours.quiet.length + ours.busy.length,
      correct: ours.correct && python.correct,
      note: `p50 quiet -> busy: ours ${ours}, peer ${python} (${python.quiet.length + python.busy.length} runs)`,
    },
  }
}

export const neighbour = { rows: [{ row: 'neighbour.p50', unit: 'times', better: 'lower' }], measure }
