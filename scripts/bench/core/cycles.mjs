// cycles.rss: does memory come back when a model is released?
import { join } from 'node:path'
import { measureInChild } from '../child.mjs'
import { resnet18Stacks } from '../resnet18.mjs'
import { median } from '../statistics.mjs'

const child = join(import.meta.dirname, 'children', 'cycles.mjs')
// What resident memory can be read to, in %: smaller growth, or none, counts as this much in the ratio.
const resolution = 0.1
const flooring = `the ratio counts less than ${resolution} % as ${resolution} %`

/** The median of the five cycles that end with this one: single ones differ by a weight that was freed a moment later. */
function residentAt(resident, cycle) {
  return median(resident.slice(Math.max(0, cycle - 5), cycle))
}

async function measure({ root, peers, quick }) {
  const [warm, cycles] = quick ? [2, 4] : [10, 100]
  const { ours, onnxruntime } = resnet18Stacks({ root, peers })
  const run = async (stack) => {
    const args = [child, JSON.stringify({ root, cycles, ...stack })]
    const { result } = await measureInChild(process.execPath, args, { cwd: root })
    const at = (cycle) => residentAt(result.resident, cycle)
    const megabytes = [1, warm, cycles].map((cycle) => Math.round(at(cycle) / 1e6)).join(', ')
    return { ...result, growth: (at(cycles) / at(warm) - 1) * 100, megabytes }
  }
  const own = await run(ours)
  const peer = await run(onnxruntime)
  return {
    'cycles.rss': {
      ours: own.growth,
      peer: peer.growth,
      peerName: 'onnxruntime-node',
      ratio: Math.max(peer.growth, resolution) / Math.max(own.growth, resolution),
      n: cycles,
      correct: own.correct && peer.correct,
      note: `MB after cycles 1, ${warm}, ${cycles}: ours ${own.megabytes}; peer ${peer.megabytes}; ${flooring}`,
    },
  }
}

export const cycles = { rows: [{ row: 'cycles.rss', unit: '%', better: 'lower' }], measure }
