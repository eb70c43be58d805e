import { readFileSync } from 'node:fs'

/** Of the files that ship beside the code, in data/. */
export const packagedJson = (file: string | URL): unknown => JSON.parse(readFileSync(file, 'utf8'))
