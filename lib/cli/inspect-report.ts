import type { InspectedFile, StoredTensor } from '../io/index.js'
import { printable } from './printable-text.js'

function sizeText(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`
  return bytes >= 1e3 ? `${(bytes / 1e3).toFixed(1)} kB` : `${bytes} B`
}

const count = (value: number, unit: string) => `${value.toLocaleString('en')} ${unit}${value === 1 ? '' : 's'}`

const elements = (tensors: readonly StoredTensor[]) =>
  tensors.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0)

const contents = (tensors: readonly StoredTensor[]) =>
  `${count(tensors.length, 'tensor')}, ${count(elements(tensors), 'element')}`

function checksumLine({ sha256, intact, path }: InspectedFile): string[] {
  if (sha256 === undefined) return []
  if (path === undefined) return [`  sha256    ${sha256} (the hub's promise; the tensors were not fetched)`]
  const verdict =
    intact === undefined ? '' : intact ? ' (as the hub promised)' : ' (DAMAGED: not what the hub promised)'
  return [`  sha256    ${sha256}${verdict}`]
}

function tensorLines(tensors: readonly StoredTensor[]): string[] {
  const rows = tensors.map(({ name, dtype, shape, bytes }) => [
    ...[printable(name), dtype, `[${shape.join(', ')}]`, sizeText(bytes)],
  ])
  const width = (column: number) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0))
  const [names, dtypes, shapes, sizes] = [width(0), width(1), width(2), width(3)]
  return rows.map(
    ([name = '', dtype = '', shape = '', size = '']) =>
      `  ${name.padEnd(names)}  ${dtype.padEnd(dtypes)}  ${shape.padEnd(shapes)}  ${size.padStart(sizes)}`,
  )
}

function fileText(file: InspectedFile): string {
  const metadata = Object.entries(file.metadata).map(([key, value]) => `  metadata  ${printable(`${key}: ${value}`)}`)
  return [
    `${printable(file.name)}: ${sizeText(file.bytes)}, ${contents(file.tensors)}`,
    ...[...checksumLine(file), ...metadata, ...tensorLines(file.tensors)],
  ].join('\n')
}

/** The report for people: each file, and where there are several their sum. */
export function inspectText(files: readonly InspectedFile[]): string {
  const texts = files.map(fileText)
  if (files.length === 1) return texts.join('')
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const total = `total: ${count(files.length, 'file')}, ${sizeText(bytes)}, ${contents(files.flatMap(({ tensors }) => tensors))}`
  return [...texts, total].join('\n\n')
}
