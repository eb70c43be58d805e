import { type Label, unnamed } from './labels.js'

/** One class that an image may show. */
export interface Prediction {
  /** Of the logit. */
  index: number
  /** The class's common name; 'class 7' where nothing says what the logits mean. */
  label: string
  /** 0 to 1; all classes of an image sum to 1. */
  probability: number
  /** 'n07920052'; undefined for labels that are not WordNet's. */
  wordnetId: string | undefined
}

export function predictionOf(index: number, probability: number, labels: readonly Label[] | undefined): Prediction {
  const label = labels?.[index]
  return {
    index,
    label: label?.names[0] ?? unnamed(index),
    probability,
    wordnetId: label?.wordnetId,
  }
}
