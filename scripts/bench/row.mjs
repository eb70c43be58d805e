// The shape of one row of the document, and how many times better ours is.
import { round } from './statistics.mjs'

/** `better` says whether a lower or a higher figure wins. */
function ratioOf({ better, ours, peer }) {
  if (ours === null || peer === null) return null
  const ratio = better === 'lower' ? peer / ours : ours / peer
  return Number.isFinite(ratio) ? round(ratio) : null
}

/**
 * `figures`: {ours, peer?, peerName?, n, correct, note?, ratio?}. A family that gives its own ratio says in the note how
 * it is formed.
 */
export function measuredRow({ row, unit, better }, { ours, peer = null, peerName = null, n, correct, note, ratio }) {
  return {
    row,
    ours: round(ours),
    peer: peer === null ? null : round(peer),
    peerName,
    ratio: ratio === undefined ? ratioOf({ better, ours, peer }) : round(ratio),
    unit,
    n,
    correct,
    ...(note === undefined ? {} : { note }),
  }
}

export function missingRow({ row, unit }, why) {
  return { row, ours: null, peer: null, peerName: null, ratio: null, unit, n: 0, correct: false, why }
}
