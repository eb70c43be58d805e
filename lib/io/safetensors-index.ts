import { readFile } from 'node:fs/promises'
import { torchError } from '../core/errors.js'
import { staysBelow } from '../core/file-path.js'
import { withDiskErrors } from './disk-error.js'

/** What `model.safetensors.index.json` says of a model in several files. */
export interface SafetensorsIndex {
  metadata: Record<string, string>
  /** The names of the tensors of each file; files are named from the index's folder. */
  shards: Map<string, string[]>
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function malformed(path: string, expected: string, cause?: unknown) {
  return torchError('ERR_TORCH_FILE_FORMAT', `Expected ${expected} in ${path} but received something else`, { cause })
}

function parsed(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw malformed(path, 'JSON', cause)
  }
}

/** Throws ERR_TORCH_DISK and ERR_TORCH_FILE_FORMAT. */
export async function readSafetensorsIndex(path: string): Promise<SafetensorsIndex> {
  const index = parsed(path, await withDiskErrors(path, () => readFile(path, 'utf8')))
  if (!isRecord(index) || !isRecord(index.weight_map)) throw malformed(path, 'an object with a weight_map')
  const shards = new Map<string, string[]>()
  for (const [name, file] of Object.entries(index.weight_map)) {
    if (typeof file !== 'string' || !staysBelow(file))
      throw malformed(path, `a file of its folder for tensor '${name}'`)
    const names = shards.get(file)
    if (names === undefined) shards.set(file, [name])
    else names.push(name)
  }
  const metadata = isRecord(index.metadata) ? Object.entries(index.metadata) : []
  const texts = metadata.map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)])
  return { metadata: Object.fromEntries(texts), shards }
}
