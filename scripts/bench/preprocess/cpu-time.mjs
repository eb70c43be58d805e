// CPU time on one thread: what an image costs, however many cores wait for it.
import { measureInChild } from '../child.mjs'
import { median, round } from '../statistics.mjs'

/** A pool and a team of one thread each: one image at a time leaves nothing for others to do. */
const oneThread = { UV_THREADPOOL_SIZE: '1', OMP_NUM_THREADS: '1' }

/** Resolves to what a child of this package prints. */
export async function measureOnOneThread({ root }, child, options) {
  const args = [child, JSON.stringify({ root, ...options })]
  return (await measureInChild(process.execPath, args, { cwd: root, env: oneThread })).result
}

/** Runs both sides in turn; each resolves to {[name]: {milliseconds, sha256}}. Resolves to {ours: [], peer: []}. */
export async function inTurn(rounds, measureOurs, measurePeer) {
  const results = { ours: [], peer: [] }
  for (let i = 0; i < rounds; i += 1) {
    results.ours.push(await measureOurs())
    results.peer.push(await measurePeer())
  }
  return results
}

const mean = (samples) => samples.reduce((sum, sample) => sum + sample, 0) / samples.length

/**
 * The row's figures for one `name` of the results. A round counts with its mean, because garbage collection falls on few
 * runs and belongs to all; the figure is the median of the rounds.
 */
export function cpuFigures(results, name, peerName, remark) {
  const samples = (side) => results[side].map((result) => result[name].milliseconds)
  const figure = (side) => median(samples(side).map(mean))
  const single = (side) => round(median(samples(side).flat()))
  const hashes = new Set([...results.ours, ...results.peer].map((result) => result[name].sha256))
  return {
    ours: figure('ours'),
    peer: figure('peer'),
    peerName,
    n: samples('ours').flat().length,
    correct: hashes.size === 1,
    note: [`single runs, median: ours ${single('ours')}, peer ${single('peer')} ms`, ...remark].join('; '),
  }
}
