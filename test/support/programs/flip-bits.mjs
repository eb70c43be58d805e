// node flip-bits.mjs <archive> <flips> <seed>: loads the archive with one bit flipped at a time, and runs what loads.
// Prints 'flip <bit>' before each and one JSON line at the end: { loaded, codes: { code: count }, untyped: [text] }.
import { readFileSync, writeSync } from 'node:fs'
import { Module, scope, Tensor, TorchError } from '../../../dist/index.js'

const [archive, flips, seed] = process.argv.slice(2)
const bytes = readFileSync(archive)
let state = Number(seed)
const random = (limit) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor((state / 2 ** 32) * limit)
}

let loaded = 0
const codes = {}
const untyped = []

async function loadAndRun(flipped) {
  const module = await Module.load(flipped)
  loaded++
  await module.forward(Tensor.from(new Float32Array(32), [1, 2, 4, 4]))
}

for (let i = 0; i < Number(flips); i++) {
  const bit = random(bytes.length * 8)
  writeSync(1, `flip ${bit}\n`) // at once: a crash loses what is buffered
  const flipped = Uint8Array.from(bytes)
  flipped[bit >> 3] ^= 1 << (bit & 7)
  await scope(() =>
    loadAndRun(flipped).catch((error) => {
      if (error instanceof TorchError) codes[error.code] = (codes[error.code] ?? 0) + 1
      else untyped.push(`${bit}: ${error}`)
    }),
  )
}
console.log(JSON.stringify({ loaded, codes, untyped }))
