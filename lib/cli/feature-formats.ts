import type { TensorRow } from '../io/safetensors-rows.js'
import { csvRow, type ImageFormat, jsonFormat } from './image-format.js'
import { printable } from './printable-text.js'

/** By name, in the order that was asked for. */
type Features = ReadonlyMap<string, TensorRow>
type FeatureFormat = ImageFormat<Features>

/** The shortest decimals of these few digits that become the same float32 again. */
const decimals = (values: Float32Array) => Array.from(values, (value) => Number(value.toPrecision(9)))
const vectorOf = (features: Features) => [...features.values()].flatMap(({ values }) => decimals(values))

const shown = 4

/** A line for the image, a line per tensor: its name, its shape and its first numbers. */
export function featureText(): FeatureFormat {
  const line = ([name, { shape, values }]: readonly [string, TensorRow]) => {
    const first = Array.from(values.subarray(0, shown), (value) => value.toFixed(4))
    const rest = values.length > shown ? ', ...' : ''
    return `  ${printable(name)} [${shape.join(', ')}]: ${first.join(', ')}${rest}`
  }
  return {
    begin: '',
    image: (file, features) => `${[printable(file), ...[...features].map(line)].join('\n')}\n`,
    failure: () => '',
    end: '',
  }
}

export const embeddingJson = (): FeatureFormat => jsonFormat((features) => ({ embedding: vectorOf(features) }))

/** Shapes alone: of maps a few images would be megabytes of text. */
export const shapeJson = (): FeatureFormat =>
  jsonFormat((features) => ({ features: [...features].map(([name, { shape }]) => ({ name, shape })) }))

/** A line per image. Only the first tells how many columns there are. */
export function embeddingCsv(): FeatureFormat {
  let hasHeader = false
  return {
    begin: '',
    image: (file, features) => {
      const vector = vectorOf(features)
      const header = hasHeader ? '' : csvRow(['file', ...vector.map((_, i) => `e${i}`)])
      hasHeader = true
      return `${header}${csvRow([file, ...vector])}`
    },
    failure: () => '',
    end: '',
  }
}

/** For what goes to a file. */
export const nothing = (): FeatureFormat => ({ begin: '', image: () => '', failure: () => '', end: '' })
