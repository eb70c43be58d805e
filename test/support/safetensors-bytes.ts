/** A file of float32 tensors of these shapes, all zeros but for a byte that makes it differ. */
export function safetensorsBytes(
  shapes: Readonly<Record<string, readonly number[]>>,
  { metadata, seed = 0 }: { metadata?: Record<string, string>; seed?: number } = {},
): Buffer {
  let end = 0
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const start = end
    end += 4 * shape.reduce((product, size) => product * size, 1)
    return [name, { dtype: 'F32', shape, data_offsets: [start, end] }]
  })
  const header = { ...(metadata ? { __metadata__: metadata } : {}), ...Object.fromEntries(entries) }
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text, Buffer.alloc(end, seed)])
}
