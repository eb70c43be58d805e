// classify.*: a folder of photographs as a stream: how fast, with how much memory, and is the event loop still there?
import { median, round } from '../statistics.mjs'
import { ensureBenchImages } from './images.mjs'
import { equalsLogits } from './predictions.mjs'
import { growthFigures, peerFigures, streamOurs, streamPeers } from './streams.mjs'

/** Each side in turn, all on the same files. */
async function runRounds(context, rounds, photographs) {
  const results = { plain: [], watched: [], peers: [] }
  for (let i = 0; i < rounds; i += 1) {
    results.plain.push(await streamOurs(context, photographs))
    results.peers.push(await streamPeers(context, photographs))
    results.watched.push(await streamOurs(context, { ...photographs, watchLoop: true }))
  }
  return results
}

async function measure(context) {
  const [rounds, count] = context.quick ? [1, 20] : [3, 500]
  const { folder, names } = (await ensureBenchImages(context)).mixed
  const photographs = { verb: 'classify', folder, names: names.slice(0, count) }
  const { plain, watched, peers } = await runRounds(context, rounds, photographs)
  const correct = [...plain, ...watched].every(({ predictions }) => equalsLogits(predictions, peers[0][0].rows))
  const middle = (results, figure) => median(results.map((result) => result[figure]))
  const n = rounds * count
  return {
    'classify.stream': { ours: middle(plain, 'imagesPerSecond'), ...peerFigures(peers), n, correct },
    'classify.rss': { ...growthFigures(plain, count / 5, count), n, correct },
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
