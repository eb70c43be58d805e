// import.bare and import.cpu: what a new process waits for, with libtorch untouched and with libtorch ready to compute.
import { join } from 'node:path'
import { measureInChild } from '../child.mjs'
import { median, round } from '../statistics.mjs'

const child = join(import.meta.dirname, 'children', 'import.mjs')
const pythonScript = join(import.meta.dirname, '..', 'peers', 'import_torch.py')

async function measure({ root, peers, oraclePython, quick }) {
  const node = (what) => [process.execPath, [child, JSON.stringify({ what, onnxruntime: peers.onnxruntime })]]
  const commands = {
    bare: node('bare'),
    booted: node('booted'),
    onnxruntime: node('onnxruntime'),
    python: [oraclePython, [pythonScript]],
  }
  const samples = Object.fromEntries(Object.keys(commands).map((name) => [name, []]))
  const count = quick ? 1 : 9
  // The first round fills the page cache and is not counted.
  for (let i = 0; i <= count; i += 1) {
    for (const [name, [program, args]] of Object.entries(commands)) {
      const { result, wallMs } = await measureInChild(program, args, { cwd: root })
      if (i > 0) samples[name].push({ ...result, wallMs })
    }
  }
  const middle = (name, figure = 'milliseconds') => median(samples[name].map((sample) => sample[figure]))
  const wall = (name) => round(middle(name, 'wallMs'))
  const loaded = (name) => samples[name].every((sample) => sample.libraryLoaded)
  return {
    'import.bare': {
      ours: middle('bare'),
      peer: middle('onnxruntime'),
      peerName: 'onnxruntime-node',
      n: count,
      correct: samples.bare.every((sample) => !sample.libraryLoaded),
      note: `the peer loads its library; whole process: ours ${wall('bare')}, peer ${wall('onnxruntime')} ms`,
    },
    'import.cpu': {
      ours: middle('booted'),
      peer: middle('python'),
      peerName: 'Python torch',
      n: count,
      correct: loaded('booted') && loaded('python'),
      note:
        `onnxruntime-node ${round(middle('onnxruntime'))} ms; whole process: ours ${wall('booted')}, ` +
        `peer ${wall('python')}, onnxruntime-node ${wall('onnxruntime')} ms`,
    },
  }
}

export const imports = {
  rows: [
    { row: 'import.bare', unit: 'ms', better: 'lower' },
    { row: 'import.cpu', unit: 'ms', better: 'lower' },
  ],
  measure,
}
