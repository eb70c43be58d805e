// embed.folder, folder.rss: a large folder of photographs as a stream of embeddings: how fast, and does memory stay?
import { ensureBenchImages } from '../preprocess/images.mjs'
import { growthFigures, peerFigures, streamOurs, streamPeers } from '../preprocess/streams.mjs'
import { median } from '../statistics.mjs'
import { equalsRows, namesOnlyCorrupt } from './embeddings.mjs'
import { withPhotoFolder } from './photo-folder.mjs'

/** Ours before and after the peer, which is not given the corrupt file: its DataLoader would end there. */
async function runSides(context, { folder, names, corrupt, good }) {
  const ours = [await streamOurs(context, { verb: 'embed', folder, names })]
  const peers = await streamPeers(context, { verb: 'embed', folder, names: good })
  if (!context.quick) ours.push(await streamOurs(context, { verb: 'embed', folder, names }))
  const isRight = ({ rows, failed }) =>
    namesOnlyCorrupt(failed, { folder, names, corrupt }) && peers.every((peer) => equalsRows(rows, peer.rows))
  return { ours, peers, correct: ours.every(isRight) }
}

async function measure(context) {
  const count = context.quick ? 20 : 2000
  const source = (await ensureBenchImages(context)).mixed
  const { ours, peers, correct } = await withPhotoFolder({ ...context, source, count }, (photographs) =>
    runSides(context, photographs),
  )
  const n = ours.length * count
  const peer = peerFigures([peers])
  const files = `${count} photographs; one file is corrupt, not for the peer`
  return {
    'embed.folder': {
      ours: median(ours.map(({ imagesPerSecond }) => imagesPerSecond)),
      ...peer,
      n,
      correct,
      note: `${files}; ${peer.note}`,
    },
    'folder.rss': { ...growthFigures(ours, count / 10, count), n, correct },
  }
}

export const embed = {
  rows: [
    { row: 'embed.folder', unit: 'images/s', better: 'higher' },
    { row: 'folder.rss', unit: '%', better: 'lower' },
  ],
  measure,
}
