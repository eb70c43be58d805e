import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { withDiskErrors } from './disk-error.js'

/** UTF-8. Rejects with ERR_TORCH_DISK. */
export const readText = (file: string): Promise<string> => withDiskErrors(file, () => readFile(file, 'utf8'))

/** Of the files that ship beside the code, in data/. */
export const packagedJson = (file: string | URL): unknown => JSON.parse(readFileSync(file, 'utf8'))
