import type { StoredTensorInfo } from './safetensors.js'
import { openSafetensors } from './safetensors-file.js'

export interface StoredTensor extends StoredTensorInfo {
  readonly name: string
}

/** What a file, or a model of several files with an index, says of itself. */
export interface SafetensorsHeader {
  metadata: Readonly<Record<string, string>>
  /** In the order of their bytes, or of the index. */
  tensors: readonly StoredTensor[]
}

/** Reads no tensor. Rejects with ERR_TORCH_FILE_FORMAT, ERR_TORCH_DISK, or the signal's reason. */
export async function readSafetensorsHeader(
  path: string,
  { operation, signal }: { operation: string; signal: AbortSignal | undefined },
): Promise<SafetensorsHeader> {
  const { files, places, metadata } = await openSafetensors(path, { operation, mmap: false, signal })
  try {
    const tensors = [...places].map(([name, { file, index }]) => {
      const { dtype, shape, bytes } = file.info(index)
      return { name, dtype: dtype as StoredTensor['dtype'], shape, bytes }
    })
    return { metadata, tensors }
  } finally {
    for (const file of files) file.dispose()
  }
}
