// Weights and what they make of a folder: loading them, embedding thousands of photographs.
import { embed } from './embed.mjs'
import { load } from './load.mjs'

export const families = [load, embed]
