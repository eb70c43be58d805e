import type { TorchError } from '../index.js'
import type { Prediction } from '../models/index.js'

/** How predictions are printed: what stands before, for each image, and after. */
export interface PredictionFormat {
  begin: string
  image(file: string, predictions: readonly Prediction[]): string
  /** A bad image; it is named on stderr in any case. */
  failure(file: string, error: TorchError): string
  end: string
}

/** Names of files may hold what moves the cursor of a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    const code = character.charCodeAt(0).toString(16)
    return `\\x${code.padStart(2, '0')}`
  })
}

const percent = (probability: number) => `${(100 * probability).toFixed(1)} %`.padStart(9)

export function textFormat(): PredictionFormat {
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

/** One array, an image per line: whole at any time that the end was written. */
export function jsonFormat(): PredictionFormat {
  let separator = '\n'
  const element = (value: object) => {
    const text = `${separator}${JSON.stringify(value)}`
    separator = ',\n'
    return text
  }
  return {
    begin: '[',
    image: (file, predictions) => element({ file, predictions }),
    failure: (file, { code, message }) => element({ file, error: { code, message } }),
    end: '\n]\n',
  }
}

/** RFC 4180. */
function csvRow(fields: readonly (string | number)[]): string {
  const quoted = fields.map((field) => (/[",\r\n]/.test(`${field}`) ? `"${`${field}`.replaceAll('"', '""')}"` : field))
  return `${quoted.join(',')}\r\n`
}

/** A line per prediction. */
export function csvFormat(): PredictionFormat {
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
