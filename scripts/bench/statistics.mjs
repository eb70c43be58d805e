// Order statistics over samples; each expects at least one sample.

/** The smallest sample that at least `share` (0 to 1) of the samples do not exceed. */
export function quantile(samples, share) {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
}

/** The mean of the two middle samples where their count is even. */
export function median(samples) {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Three significant digits, so that a table is fit to read and a ratio below a limit is not rounded up to it. */
export function round(value) {
  return Number(value.toPrecision(3))
}
