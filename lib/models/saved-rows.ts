import { requireFilePath } from '../core/file-path.js'
import { SafetensorsRows } from '../io/safetensors-rows.js'
import type { FeatureRow } from './feature-rows.js'

/**
 * Gives the rows as they come and saves them on their way: a safetensors file of tensors [N, ...], N images whose names are
 * the JSON array `files` of its metadata; those that failed are `failures`, {file, code, message}. The file is written
 * when the last row was given: it is complete or as it was, and so it is where no image was good, where the reader leaves
 * early, or where the rows end with an error. Of the rows none stays in memory.
 *
 * Rejects as the rows do, with ERR_TORCH_DISK, or with the signal's reason.
 */
export async function* savedRows(
  rows: AsyncIterable<FeatureRow>,
  path: string | URL,
  { signal }: { signal?: AbortSignal | undefined } = {},
): AsyncGenerator<FeatureRow> {
  const saving = await SafetensorsRows.create(requireFilePath(path, 'savedRows'))
  const files: string[] = []
  const failures: { file: string; code: string; message: string }[] = []
  try {
    for await (const row of rows) {
      if (row.error === undefined) {
        await saving.append(row.features)
        files.push(row.image)
      } else {
        failures.push({ file: row.image, code: row.error.code, message: row.error.message })
      }
      yield row
    }
    if (files.length === 0) return
    const metadata = { format: 'pt', files: JSON.stringify(files), failures: JSON.stringify(failures) }
    await saving.finish(metadata, signal)
  } finally {
    await saving.discard()
  }
}
