import { type DType, dtypes, isDType, type TensorDType } from './dtype.js'

interface Shown {
  readonly shape: readonly number[]
  readonly dtype: TensorDType
  readonly device: string
  readonly disposed: boolean
  readonly numel: number
}

/** As torch.set_printoptions: summarized above 1,000 elements, with 3 at each edge. */
const summarizeAbove = 1000
const edgeItems = 3
/** Of many dimensions even the edges are too many to read. */
const mostShown = 10_000
const digits = 4
const lineWidth = 80

type Preview = (edgeItems: number) => (number | bigint)[] | null

function formatNumber(value: number | bigint, dtype: DType, scientific: boolean): string {
  if (dtype === 'bool') return value === 1 ? 'true' : 'false'
  if (typeof value === 'bigint' || /^u?int/.test(dtype)) return `${value}`
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  return scientific ? value.toExponential(digits) : value.toFixed(digits)
}

/** Fixed notation where every element is readable in it, as PyTorch decides. */
function needsScientific(values: readonly (number | bigint)[]): boolean {
  const sizes = values.map((value) => Math.abs(Number(value))).filter((size) => size > 0 && Number.isFinite(size))
  const [low, high] = [Math.min(...sizes), Math.max(...sizes)]
  return sizes.length > 0 && (high >= 1e8 || low < 1e-4 || high / low > 1000 * 1e4)
}

function elements(values: readonly (number | bigint)[], dtype: DType): string[] {
  const scientific = !values.every((value) => Number.isInteger(Number(value))) && needsScientific(values)
  const whole = values.every((value) => typeof value === 'bigint' || !Number.isFinite(value) || Number.isInteger(value))
  const one = (value: number | bigint) => {
    const isFloat = !/^(u?int|bool)/.test(dtype)
    if (isFloat && whole && Number.isFinite(Number(value)) && Math.abs(Number(value)) < 1e8) return `${value}.`
    return formatNumber(value, dtype, scientific)
  }
  if (dtypes[dtype].perElement === 1) return values.map(one)
  const pairs: string[] = []
  for (let i = 0; i < values.length; i += 2) {
    const imaginary = one(values[i + 1] ?? 0)
    pairs.push(`${one(values[i] ?? 0)}${imaginary.startsWith('-') ? '' : '+'}${imaginary}i`)
  }
  return pairs
}

/** One row of elements, broken into lines that stay within the width. */
function formatRow(texts: readonly string[], indent: number): string {
  const lines: string[] = []
  let line = ''
  for (const [i, text] of texts.entries()) {
    const piece = i + 1 < texts.length ? `${text}, ` : text
    if (line !== '' && indent + line.length + piece.length > lineWidth) {
      lines.push(line.trimEnd())
      line = ''
    }
    line += piece
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`)
}

function formatBlock(shape: readonly number[], next: () => string, edges: number, indent: number): string {
  const [size = 0, ...inner] = shape
  const shown = Math.min(size, 2 * edges)
  const parts: string[] = []
  for (let i = 0; i < shown; i++) {
    if (size > shown && i === edges) parts.push(inner.length === 0 ? ' ...' : '...')
    parts.push(inner.length === 0 ? next() : formatBlock(inner, next, edges, indent + 1))
  }
  if (inner.length === 0) return `[${formatRow(parts, indent + 1)}]`
  const gap = '\n'.repeat(inner.length) + ' '.repeat(indent + 1)
  return `[${parts.join(`,${gap}`)}]`
}

/** `Tensor float32 [2, 3] cpu [[1., 2., 3.],\n ...]`, in the manner of PyTorch's printing. */
export function formatTensor(tensor: Shown, preview: Preview): string {
  if (tensor.disposed) return 'Tensor (disposed)'
  const { shape, dtype, device, numel } = tensor
  const head = `Tensor ${dtype} [${shape.join(', ')}] ${device}`
  if (!isDType(dtype)) return head // ComplexHalf, quantized: nothing here knows their elements
  const edges = numel > summarizeAbove ? edgeItems : Number.POSITIVE_INFINITY
  const count = shape.reduce((product, size) => product * Math.min(size, 2 * edges), 1)
  const values = count === 0 || count > mostShown ? null : preview(Math.min(edges, 1000))
  if (values === null) return head
  const texts = elements(values, dtype)
  const width = Math.max(...texts.map((text) => text.length))
  let i = 0
  const next = () => (texts[i++] ?? '').padStart(width)
  if (shape.length === 0) return `${head} ${texts[0]}`
  return `${head}\n${formatBlock(shape, next, edges, 0)}`
}
