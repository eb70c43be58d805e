import { readFile } from 'node:fs/promises'
import { withDiskErrors } from './disk-error.js'

/** UTF-8. Rejects with ERR_TORCH_DISK. */
export const readText = (file: string): Promise<string> => withDiskErrors(file, () => readFile(file, 'utf8'))
