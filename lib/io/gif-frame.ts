/** The first frame of a GIF, as its blocks describe it. */
export interface GifFrame {
  width: number
  height: number
  /** Where the frame lies on the canvas. */
  left: number
  top: number
  /** What Pillow paints the rest of the canvas with: the transparent colour, else the first one. */
  background: readonly [number, number, number]
  /** Where the flags lie that make a colour transparent. */
  transparencyFlags: readonly number[]
}

const extension = 0x21
const graphicControl = 0xf9
const imageDescriptor = 0x2c

/** Behind a chain of data blocks and the empty one that ends it; may be beyond the end of the file. */
function skipBlocks(bytes: Uint8Array, at: number): number {
  let next = at
  for (let length = bytes[next] ?? 0; length > 0; length = bytes[next] ?? 0) next += 1 + length
  return next + 1
}

const tableLength = (flags: number) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0)

function colourOf(bytes: Uint8Array, table: number | undefined, index: number): [number, number, number] {
  if (table === undefined) return [index, index, index]
  const at = table + 3 * index
  return [bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0]
}

/** Whether the samples of the frame whose descriptor lies at `at` end within the file. */
function isWhole(bytes: Uint8Array, at: number): boolean {
  const minimumCodeSize = at + 10 + tableLength(bytes[at + 9] ?? 0)
  return skipBlocks(bytes, minimumCodeSize + 1) <= bytes.length
}

/** undefined where the file ends before its first frame does. */
export function firstGifFrame(bytes: Uint8Array): GifFrame | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const globalLength = tableLength(bytes[10] ?? 0)
  const transparencyFlags: number[] = []
  for (let at = 13 + globalLength; at + 10 < bytes.length; ) {
    const kind = bytes[at]
    if (kind === extension) {
      if (bytes[at + 1] === graphicControl && (bytes[at + 3] ?? 0) & 1) transparencyFlags.push(at + 3)
      at = skipBlocks(bytes, at + 2)
    } else if (kind === imageDescriptor) {
      if (!isWhole(bytes, at)) return undefined
      const [left, top, width, height] = [1, 3, 5, 7].map((offset) => view.getUint16(at + offset, true))
      const ownTable = (bytes[at + 9] ?? 0) & 0x80 ? at + 10 : undefined
      const table = ownTable ?? (globalLength > 0 ? 13 : undefined)
      // Of several Pillow obeys the last that names a colour.
      const flag = transparencyFlags.at(-1)
      const index = flag === undefined ? 0 : (bytes[flag + 3] ?? 0)
      const background = colourOf(bytes, table, index)
      return { left, top, width, height, background, transparencyFlags } as GifFrame
    } else at += 1
  }
  return undefined
}

/** Paints what the first frame leaves of a canvas of interleaved RGB. */
export function paintAround(frame: GifFrame, canvas: Uint8Array, width: number, height: number): void {
  const right = Math.min(frame.left + frame.width, width)
  const bottom = Math.min(frame.top + frame.height, height)
  const line = new Uint8Array(3 * width)
  for (let i = 0; i < line.length; i++) line[i] = frame.background[i % 3] as number
  for (let y = 0; y < height; y++) {
    const row = canvas.subarray(3 * width * y, 3 * width * (y + 1))
    if (y < frame.top || y >= bottom) row.set(line)
    else {
      row.set(line.subarray(0, 3 * Math.min(frame.left, width)))
      row.set(line.subarray(3 * right), 3 * right)
    }
  }
}
