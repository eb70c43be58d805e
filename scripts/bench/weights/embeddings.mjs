// Are the results of a stream the embeddings that Python computed, with the corrupt image in its place?
import { join } from 'node:path'

const tolerance = 1e-5

/** Numbers of vectors of length 1, each within 1e-5. A NaN is not equal, nor is a missing vector, and none are none. */
export function equalsRows(rows, wanted) {
  return (
    rows.length > 0 &&
    rows.length === wanted.length &&
    rows.every((value, i) => Math.abs(value - wanted[i]) <= tolerance)
  )
}

/** failed: as children/stream.mjs prints it. Exactly the corrupt image, in its place, by its name. */
export function namesOnlyCorrupt(failed, { folder, names, corrupt }) {
  const path = join(folder, corrupt)
  const isCorrupt = ({ place, image, message }) => names[place] === corrupt && image === path && message.includes(path)
  return failed.length === 1 && failed.every(isCorrupt)
}
