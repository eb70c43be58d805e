// loop.delay.p99 and loop.readfile.p99: is the process still there for others while 16 forwards are in flight?
import { join } from 'node:path'
import { measureInChild } from '../child.mjs'
import { resnet18Stacks } from '../resnet18.mjs'
import { median, round } from '../statistics.mjs'

const child = join(import.meta.dirname, 'children', 'event-loop.mjs')
const inFlight = 16

async function measure({ root, peers, quick }) {
  const { ours, onnxruntime } = resnet18Stacks({ root, peers })
  const [rounds, seconds] = quick ? [1, 1] : [3, 4]
  const results = { ours: [], onnxruntime: [] }
  for (let i = 0; i < rounds; i += 1) {
    // onnxruntime-node optimizes each graph that it opens.
    for (const [name, stack] of Object.entries({ ours: { ...ours, optimize: true }, onnxruntime })) {
      const args = [child, JSON.stringify({ root, inFlight, seconds, ...stack })]
      results[name].push((await measureInChild(process.execPath, args, { cwd: root })).result)
    }
  }
  const middle = (name, figure) => median(results[name].map((result) => result[figure]))
  const sum = (name, figure) => results[name].reduce((total, result) => total + result[figure], 0)
  const figures = (figure, n, note) => ({
    ours: middle('ours', figure),
    peer: middle('onnxruntime', figure),
    peerName: 'onnxruntime-node',
    n,
    correct: [...results.ours, ...results.onnxruntime].every((result) => result.correct),
    note,
  })
  const rate = `forwards/s ours ${round(middle('ours', 'runsPerSecond'))}, peer ${round(middle('onnxruntime', 'runsPerSecond'))}`
  const longest = `longest ours ${round(middle('ours', 'delayMax'))}, peer ${round(middle('onnxruntime', 'delayMax'))}`
  return {
    'loop.delay.p99': figures('delayP99', sum('ours', 'runs'), `1 ms is the clock's own step; ${longest}; ${rate}`),
    'loop.readfile.p99': figures(
      'readFileP99',
      sum('ours', 'reads'),
      `reads by the peer ${sum('onnxruntime', 'reads')}`,
    ),
  }
}

export const eventLoop = {
  rows: [
    { row: 'loop.delay.p99', unit: 'ms', better: 'lower' },
    { row: 'loop.readfile.p99', unit: 'ms', better: 'lower' },
  ],
  measure,
}
