import { dirname, join } from 'node:path'
import type { TorchAddon } from '../core/addon-files.js'
import type { OutcomeOf } from '../core/arrivals.js'
import { native } from '../core/native.js'
import { settle } from '../core/settle.js'
import { isHubBlob } from './hub-cache.js'
import { throughIndex } from './safetensors-index.js'

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

const placesIn = (file: NativeFile) => new Map(file.names().map((name, index) => [name, { file, index }]))

async function openSingle(path: string, settings: OpenSettings): Promise<OpenFiles> {
  const file = await openFile(path, settings)
  return { files: [file], places: placesIn(file), metadata: Object.fromEntries(file.metadata()) }
}

async function openSharded(path: string, settings: OpenSettings): Promise<OpenFiles> {
  const files: NativeFile[] = []
  try {
    const { metadata, tensors } = await throughIndex(path, async (shard) => {
      const file = await openFile(join(dirname(path), shard), settings)
      files.push(file)
      return placesIn(file)
    })
    return { files, places: tensors, metadata }
  } catch (error) {
    for (const file of files) file.dispose()
    throw error
  }
}

/** Opens a file of tensors, or an index (`*.index.json`) and the files that it names. */
export function openSafetensors(path: string, settings: OpenSettings): Promise<OpenFiles> {
  return path.endsWith('.index.json') ? openSharded(path, settings) : openSingle(path, settings)
}
