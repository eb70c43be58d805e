// weights.load*: from a safetensors file to a model that has it all in memory, every page touched by both sides.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measureInChild } from '../child.mjs'
import { equalsGolden, readGolden, resnet18Stacks } from '../resnet18.mjs'
import { median, round } from '../statistics.mjs'

const children = join(import.meta.dirname, 'children')
const peer = join(import.meta.dirname, 'peers', 'load.py')

/** Compiled by both sides: one number of every half page, so that no page is left out wherever a tensor begins. */
export const touch = `
def touch(tensors: List[Tensor]) -> Tensor:
    total = torch.zeros([])
    for tensor in tensors:
        total = total + tensor.reshape(-1)[::512].sum()
    return total
`.trimStart()

async function measureOurs({ root }, options) {
  const args = [join(children, 'load.mjs'), JSON.stringify({ root, touch, ...options })]
  return (await measureInChild(process.execPath, args, { cwd: root })).result
}

async function measurePeer({ root, oraclePython }, golden, options) {
  const args = ['-B', peer, JSON.stringify({ touch, shape: golden.shape, ...options })]
  const { result } = await measureInChild(oraclePython, args, { cwd: root })
  return { ...result, correct: equalsGolden(result.logits, golden) }
}

/** What the other loads of all rounds took, and the first ones of the processes. */
function figuresOf(rounds) {
  return {
    later: median(rounds.flatMap(({ milliseconds }) => milliseconds.slice(1))),
    first: median(rounds.map(({ milliseconds }) => milliseconds[0])),
  }
}

/** Each side in turn, each time in a process of its own. */
async function runRounds(context, folder) {
  const weights = join(folder, 'model.safetensors')
  const archive = resnet18Stacks(context).ours.model
  const write = [join(children, 'write-weights.mjs'), JSON.stringify({ archive, weights })]
  await measureInChild(process.execPath, write, { cwd: context.root })
  const golden = readGolden(context.root)
  const input = join(folder, 'input.f32')
  writeFileSync(input, golden.input)
  const [rounds, loads] = context.quick ? [1, 3] : [5, 21]
  const results = { read: [], mapped: [], peer: [] }
  for (let i = 0; i < rounds; i += 1) {
    results.read.push(await measureOurs(context, { weights, loads, mmap: false }))
    results.peer.push(await measurePeer(context, golden, { weights, loads, input }))
    results.mapped.push(await measureOurs(context, { weights, loads, mmap: true }))
  }
  return { ...results, n: rounds * (loads - 1), megabytes: statSync(weights).size / 1e6 }
}

async function measure(context) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-weights-'))
  try {
    const { n, megabytes, ...results } = await runRounds(context, folder)
    const [read, mapped, python] = [results.read, results.mapped, results.peer].map(figuresOf)
    const figures = (ours, how) => ({
      ours: ours.later,
      peer: python.later,
      peerName: 'safetensors.torch and load_state_dict',
      n,
      correct: Object.values(results)
        .flat()
        .every((result) => result.correct),
      note: `${round(megabytes)} MB, ${how}; first load of a process: ours ${round(ours.first)}, peer ${round(python.first)} ms`,
    })
    return {
      'weights.load': figures(mapped, 'mapped by both'),
      'weights.load.read': figures(read, 'read by ours, mapped by the peer'),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export const load = {
  rows: ['weights.load', 'weights.load.read'].map((row) => ({ row, unit: 'ms', better: 'lower' })),
  measure,
}
