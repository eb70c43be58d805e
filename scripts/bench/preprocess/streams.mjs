// A folder of photographs through ResNet18 as a stream, as the package does it and as timm does.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measureInChild } from '../child.mjs'
import { resnet18Stacks } from '../resnet18.mjs'
import { median, round } from '../statistics.mjs'
import { measureStream } from './python-peers.mjs'
import { onTwoCores } from './two-cores.mjs'

const child = join(import.meta.dirname, 'children', 'stream.mjs')
const batch = 8
const workers = 2
const peerThreads = [1, 2]

/** What `measure(file)` resolves to, and as `rows` the float32 that it has written to the file. */
async function withRows(measure) {
  const outputs = mkdtempSync(join(tmpdir(), 'bench-stream-'))
  try {
    const file = join(outputs, 'rows.f32')
    const figures = await measure(file)
    return { ...figures, rows: new Float32Array(new Uint8Array(readFileSync(file)).buffer) }
  } finally {
    rmSync(outputs, { recursive: true })
  }
}

/** What children/stream.mjs prints and writes, measured on two cores. */
export function streamOurs(context, { verb, folder, names, watchLoop = false }) {
  return withRows(async (rows) => {
    const options = { verb, folder, names, watchLoop, batch, rows, archive: resnet18Stacks(context).ours.model }
    const command = onTwoCores(process.execPath, [child, JSON.stringify(options)])
    return (await measureInChild(...command, { cwd: context.root, timeoutSeconds: 300 })).result
  })
}

/** timm once with each number of torch threads; see measureStream. */
export async function streamPeers(context, { verb, folder, names }) {
  const options = { verb, folder, names, batch, workers, archive: resnet18Stacks(context).ours.model }
  const results = []
  for (const threads of peerThreads) {
    results.push(await withRows((rows) => measureStream(context, { ...options, threads, rows })))
  }
  return results
}

/** The figures of timm in the row, from what streamPeers gave in each round: the better of both numbers of threads. */
export function peerFigures(rounds) {
  const rates = peerThreads.map((_, i) => median(rounds.map((results) => results[i].imagesPerSecond)))
  const rateNotes = rates.map((rate, i) => `${round(rate)} on ${peerThreads[i]}`)
  return {
    peer: Math.max(...rates),
    peerName: `timm, DataLoader of ${workers} workers`,
    note: `batches of ${batch}; the peer by torch threads: ${rateNotes.join(', ')}`,
  }
}

/**
 * Resident bytes: the mean of `window` images up to this one. Some 60 MB come and go, with the batch that is in the model and
 * with what glibc has not yet given back: what stays shows in many images only, and a median would be one or the other.
 */
function residentAt({ resident }, image, window) {
  return resident.slice(image - window, image).reduce((sum, bytes) => sum + bytes, 0) / window
}

/** The figures of a row about resident memory between two images, in %: the median of the runs. */
export function growthFigures(runs, first, last) {
  const window = first / 2
  const at = (run, image) => residentAt(run, image, window)
  const megabytes = [first, last].map((image) => Math.round(median(runs.map((run) => at(run, image))) / 1e6))
  return {
    ours: median(runs.map((run) => (at(run, last) / at(run, first) - 1) * 100)),
    note: `MB, means of ${window} images up to ${first} and ${last}: ${megabytes.join(', ')}`,
  }
}
