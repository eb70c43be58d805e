import type { Prediction } from '../models/index.js'
import { csvRow, type ImageFormat, jsonFormat } from './image-format.js'
import { printable } from './printable-text.js'

type PredictionFormat = ImageFormat<readonly Prediction[]>

const percent = (probability: number) => `${(100 * probability).toFixed(1)} %`.padStart(9)

export function predictionText(): PredictionFormat {
  return {
    begin: '',
    image: (file, predictions) => {
      const lines = predictions.map(({ probability, label }) => `${percent(probability)}  ${printable(label)}`)
      return `${[printable(file), ...lines].join('\n')}\n`
    },
    failure: () => '',
    end: '',
  }
}

export const predictionJson = (): PredictionFormat => jsonFormat((predictions) => ({ predictions }))

/** A line per prediction. */
export function predictionCsv(): PredictionFormat {
  return {
    begin: csvRow(['file', 'rank', 'label', 'probability', 'index', 'wordnet_id']),
    image: (file, predictions) =>
      predictions
        .map(({ label, probability, index, wordnetId = '' }, i) =>
          csvRow([file, i + 1, label, probability, index, wordnetId]),
        )
        .join(''),
    failure: () => '',
    end: '',
  }
}
