// roundtrip.*: what a call costs beyond its work.
import { join } from 'node:path'
import { measureInChild } from '../child.mjs'
import { median, quantile, round } from '../statistics.mjs'

const child = join(import.meta.dirname, 'children', 'round-trip.mjs')
const inFlight = 64
const modes = ['serial', 'pipelined']
const peerNames = { thread: 'bare thread and ThreadSafeFunction', asyncWorker: 'Napi::AsyncWorker' }

async function measure({ root, peers, quick }) {
  const [rounds, calls] = quick ? [2, 200] : [25, 4000]
  const options = { roundTripAddon: peers.roundTripAddon, rounds, calls, inFlight }
  const { result } = await measureInChild(process.execPath, [child, JSON.stringify(options)], { cwd: root })
  const middle = (path, mode) => median(result[path][mode])
  const best = (path, mode) => round(quantile(result[path][mode], 0.1))
  const figures = (mode, peer, ours = 'oursNumber') => ({
    ours: middle(ours, mode),
    peer: middle(peer, mode),
    peerName: peerNames[peer],
    n: rounds * calls,
    correct: result.correct,
    note: `best tenth of the rounds: ours ${best(ours, mode)}, peer ${best(peer, mode)}`,
  })
  return Object.fromEntries(
    modes.flatMap((mode) => [
      [`roundtrip.${mode}`, figures(mode, 'thread')],
      [`roundtrip.${mode}.asyncworker`, figures(mode, 'asyncWorker')],
      [`roundtrip.${mode}.tensor`, figures(mode, 'thread', 'ours')],
      [`roundtrip.${mode}.tensor.asyncworker`, figures(mode, 'asyncWorker', 'ours')],
    ]),
  )
}

export const roundTrip = {
  rows: modes.flatMap((mode) => [
    { row: `roundtrip.${mode}`, unit: 'µs', better: 'lower' },
    { row: `roundtrip.${mode}.asyncworker`, unit: 'µs', better: 'lower' },
    { row: `roundtrip.${mode}.tensor`, unit: 'µs', better: 'lower' },
    { row: `roundtrip.${mode}.tensor.asyncworker`, unit: 'µs', better: 'lower' },
  ]),
  measure,
}
