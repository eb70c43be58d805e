// Are predictions those that follow from Python's logits?

const classes = 1000
const tolerance = 1e-4

/** float64 probabilities of one row of logits. */
function softmax(logits) {
  const largest = Math.max(...logits)
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

function equalsRow(found, probabilities) {
  const best = [...probabilities].sort((a, b) => b - a)
  const isClose = (a, b) => Math.abs(a - b) <= tolerance
  return found.every(
    ([index, probability], place) => isClose(probability, probabilities[index]) && isClose(probability, best[place]),
  )
}

/**
 * predictions: [[index, probability]] of each image, best first; logits: float32 [images, 1000]. Within 1e-4; of classes
 * closer than that either may come first. A NaN is not equal, nor is a missing image or an image without predictions.
 */
export function equalsLogits(predictions, logits) {
  if (predictions.length * classes !== logits.length) return false
  return predictions.every((found, image) => {
    const distinct = new Set(found.map(([index]) => index)).size
    const row = logits.subarray(image * classes, (image + 1) * classes)
    return found.length > 0 && distinct === found.length && equalsRow(found, softmax(row))
  })
}
