import { readFile } from 'node:fs/promises'
import { torchError } from '../core/errors.js'
import { staysBelow } from '../core/file-path.js'
import { isJsonObject } from '../core/json-object.js'
import { withDiskErrors } from './disk-error.js'
import { JsonReader } from './json-reader.js'

/** What `model.safetensors.index.json` says of a model in several files. */
export interface SafetensorsIndex {
  metadata: Record<string, string>
  /** The file of each tensor, named from the index's folder; in the order of the index. */
  shardOf: Map<string, string>
}

function malformed(path: string, expected: string, cause?: unknown) {
  return torchError('ERR_TORCH_FILE_FORMAT', `Expected ${expected} in ${path} but received something else`, { cause })
}

function parsed<T>(path: string, expected: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw malformed(path, expected, cause)
  }
}

/** The names in the order of the text, of which JSON.parse takes numbers such as '10' first. */
function namesInOrder(bytes: Buffer): string[] {
  const names: string[] = []
  const json = new JsonReader(bytes)
  const readName = (name: string) => {
    names.push(name)
    json.skip()
  }
  json.object((key) => (key === 'weight_map' ? json.object(readName) : json.skip()))
  return names
}

/** Throws ERR_TORCH_DISK and ERR_TORCH_FILE_FORMAT. */
export async function readSafetensorsIndex(path: string): Promise<SafetensorsIndex> {
  const bytes = await withDiskErrors(path, () => readFile(path))
  const index: unknown = parsed(path, 'JSON', () => JSON.parse(bytes.toString()))
  if (!isJsonObject(index) || !isJsonObject(index.weight_map)) throw malformed(path, 'an object with a weight_map')
  const weightMap = index.weight_map
  const shardOf = new Map<string, string>()
  for (const name of parsed(path, 'UTF-8 with each name once', () => namesInOrder(bytes))) {
    const file = weightMap[name]
    if (typeof file !== 'string' || !staysBelow(file))
      throw malformed(path, `a file of its folder for tensor '${name}'`)
    shardOf.set(name, file)
  }
  const metadata = isJsonObject(index.metadata) ? Object.entries(index.metadata) : []
  const texts = metadata.map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)])
  return { metadata: Object.fromEntries(texts), shardOf }
}

/** `read` gives what each file has by name; the rest is as in the index. Throws ERR_TORCH_FILE_FORMAT where one is missing. */
export async function throughIndex<T>(
  path: string,
  read: (shard: string) => Promise<ReadonlyMap<string, T>>,
): Promise<{ metadata: Record<string, string>; tensors: Map<string, T> }> {
  const { metadata, shardOf } = await readSafetensorsIndex(path)
  const found = new Map<string, ReadonlyMap<string, T>>()
  for (const shard of new Set(shardOf.values())) found.set(shard, await read(shard))
  const tensors = new Map<string, T>()
  for (const [name, shard] of shardOf) {
    const tensor = found.get(shard)?.get(name)
    if (tensor === undefined) {
      const message = `Expected tensor '${name}' in ${shard}, as ${path} says, but it is not there`
      throw torchError('ERR_TORCH_FILE_FORMAT', message)
    }
    tensors.set(name, tensor)
  }
  return { metadata, tensors }
}
