// classify.*: a folder of photographs as a stream: how fast, with how much memory, and is the event loop still there?
import { join } from 'node:path'
import { measureInChild } from '../child.mjs'
import { resnet18Stacks } from '../resnet18.mjs'
import { median, round } from '../statistics.mjs'
import { ensureBenchImages } from './images.mjs'
import { equalsLogits } from './predictions.mjs'
import { measureClassify } from './python-peers.mjs'
import { onTwoCores } from './two-cores.mjs'

const child = join(import.meta.dirname, 'children', 'classify.mjs')
const batch = 8
const workers = 2
const peerThreads = [1, 2]

async function measureOurs({ root }, options) {
  const command = onTwoCores(process.execPath, [child, JSON.stringify({ batch, ...options })])
  return (await measureInChild(...command, { cwd: root, timeoutSeconds: 300 })).result
}

/** Each side in turn, all on the same files. */
async function runRounds(context, rounds, files) {
  const archive = resnet18Stacks(context).ours.model
  const results = { plain: [], watched: [], peers: peerThreads.map(() => []) }
  for (let i = 0; i < rounds; i += 1) {
    results.plain.push(await measureOurs(context, { archive, files, watchLoop: false }))
    for (const [index, threads] of peerThreads.entries()) {
      results.peers[index].push(await measureClassify(context, { archive, files, batch, workers, threads }))
    }
    results.watched.push(await measureOurs(context, { archive, files, watchLoop: true }))
  }
  return results
}

/** The median of the five images that end with this one. */
function residentAt({ resident }, image) {
  return median(resident.slice(Math.max(0, image - 5), image))
}

async function measure(context) {
  const [rounds, count] = context.quick ? [1, 20] : [3, 500]
  const files = (await ensureBenchImages(context)).mixed.slice(0, count)
  const { plain, watched, peers } = await runRounds(context, rounds, files)
  const correct = [...plain, ...watched].every(({ predictions }) => equalsLogits(predictions, peers[0][0].logits))
  const middle = (results, figure) => median(results.map((result) => result[figure]))
  const rates = peers.map((results) => middle(results, 'imagesPerSecond'))
  const rateNotes = rates.map((rate, i) => `${round(rate)} on ${peerThreads[i]}`)
  const [warm, last] = [count / 5, count]
  const growth = ({ resident }) => (residentAt({ resident }, last) / residentAt({ resident }, warm) - 1) * 100
  const megabytes = [warm, last].map((image) => Math.round(median(plain.map((run) => residentAt(run, image))) / 1e6))
  const n = rounds * count
  return {
    'classify.stream': {
      ours: middle(plain, 'imagesPerSecond'),
      peer: Math.max(...rates),
      peerName: `timm, DataLoader of ${workers} workers`,
      n,
      correct,
      note: `batches of ${batch}; the peer by torch threads: ${rateNotes.join(', ')}`,
    },
    'classify.rss': {
      ours: median(plain.map(growth)),
      n,
      correct,
      note: `MB after images ${warm} and ${last}: ${megabytes.join(', ')}`,
    },
    'classify.loop.p99': {
      ours: middle(watched, 'delayP99'),
      n,
      correct,
      note: `1 ms is the clock's own step; longest ${round(middle(watched, 'delayMax'))}`,
    },
  }
}

export const classify = {
  rows: [
    { row: 'classify.stream', unit: 'images/s', better: 'higher' },
    { row: 'classify.rss', unit: '%', better: 'lower' },
    { row: 'classify.loop.p99', unit: 'ms', better: 'lower' },
  ],
  measure,
}
