import { dirname, join } from 'node:path'
import type { TorchAddon } from '../core/addon-files.js'
import type { OutcomeOf } from '../core/arrivals.js'
import { torchError } from '../core/errors.js'
import { native } from '../core/native.js'
import { settle } from '../core/settle.js'
import { isHubBlob } from './hub-cache.js'
import { readSafetensorsIndex } from './safetensors-index.js'

export type NativeFile = OutcomeOf<TorchAddon['NativeSafetensors']['open']>

/** The open files of a model and, by name, where each tensor lies. */
export interface OpenFiles {
  files: NativeFile[]
  places: Map<string, { file: NativeFile; index: number }>
  metadata: Record<string, string>
}

export interface OpenSettings {
  operation: string
  /** undefined: where the file is a blob of the hub's cache. */
  mmap: boolean | undefined
  signal: AbortSignal | undefined
}

async function openFile(path: string, { operation, mmap, signal }: OpenSettings): Promise<NativeFile> {
  const mapped = mmap ?? (await isHubBlob(path))
  return settle(
    operation,
    {
      start: (context) => native().NativeSafetensors.open(path, mapped, context),
      convert: (file) => file,
      discard: (late) => late.dispose(),
    },
    signal,
  )
}

async function openSingle(path: string, settings: OpenSettings): Promise<OpenFiles> {
  const file = await openFile(path, settings)
  const places = new Map(file.names().map((name, index) => [name, { file, index }]))
  return { files: [file], places, metadata: Object.fromEntries(file.metadata()) }
}

async function openSharded(path: string, settings: OpenSettings): Promise<OpenFiles> {
  const { metadata, shards } = await readSafetensorsIndex(path)
  const opened: OpenFiles = { files: [], places: new Map(), metadata }
  try {
    for (const [shard, names] of shards) {
      const file = await openFile(join(dirname(path), shard), settings)
      opened.files.push(file)
      const indices = new Map(file.names().map((name, index) => [name, index]))
      for (const name of names) {
        const index = indices.get(name)
        if (index === undefined) {
          const message = `Expected tensor '${name}' in ${shard}, as ${path} says, but it is not there`
          throw torchError('ERR_TORCH_FILE_FORMAT', message)
        }
        opened.places.set(name, { file, index })
      }
    }
    return opened
  } catch (error) {
    for (const file of opened.files) file.dispose()
    throw error
  }
}

/** Opens a file of tensors, or an index (`*.index.json`) and the files that it names. */
export function openSafetensors(path: string, settings: OpenSettings): Promise<OpenFiles> {
  return path.endsWith('.index.json') ? openSharded(path, settings) : openSingle(path, settings)
}
