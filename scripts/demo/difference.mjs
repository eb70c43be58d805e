/** The largest |a - b|; Infinity where the lengths differ or a number is NaN. */
export function maxDifference(actual, expected) {
  let largest = actual.length === expected.length ? 0 : Number.POSITIVE_INFINITY
  for (const [i, wanted] of expected.entries()) {
    const distance = Math.abs(actual[i] - wanted)
    // Written so that a NaN counts as a difference.
    if (!(distance <= largest)) largest = Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance
  }
  return largest
}
