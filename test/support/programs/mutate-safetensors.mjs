// node mutate-safetensors.mjs <folder> <cases> <seed> <file>...: opens and reads a file with mutations, one case after
// the other; the folder keeps the last one. An index (.json) is mutated as text; its files lie in the folder. Prints 'case <number>' before each and one JSON line at the end:
// { read, codes: { code: count }, indexCodes, untyped: [text] }.
import { readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { scope, TorchError } from '../../../dist/index.js'
import { Safetensors } from '../../../dist/io/safetensors.js'

const [folder, cases, seed, ...files] = process.argv.slice(2)
const originals = files.map((file) => ({ bytes: readFileSync(file), isIndex: file.endsWith('.index.json') }))
let state = Number(seed)
const random = (limit) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor((state / 2 ** 32) * limit)
}
const pick = (list) => list[random(list.length)]

const tokens = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '\\u',
    '\\ud800',
    ' ',
    '\n',
    '\0',
    'null',
    'true',
    '-',
    '.',
    'e9',
    '0',
    '1',
    '8',
  ],
  ...['4294967296', '9007199254740993', '9223372036854775807', '18446744073709551615', '18446744073709551616', '1e999'],
  ...[
    '"F4"',
    '"F6_E2M3"',
    '"F64"',
    '"BOOL"',
    '"F8_E8M0"',
    '"C64"',
    '"dtype"',
    '"shape"',
    '"data_offsets"',
    '"__metadata__"',
  ],
  ...['[0,0]', '[]', '{}', '['.repeat(200), '"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},', '\xff', '\xe2\x82'],
].map((token) => Buffer.from(token, 'latin1'))

const splice = (bytes, at, removed, inserted) =>
  Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + removed)])

const mutations = [
  (bytes) => {
    const flipped = Buffer.from(bytes)
    if (flipped.length > 0) flipped[random(flipped.length)] ^= 1 << random(8)
    return flipped
  },
  (bytes) => splice(bytes, random(bytes.length + 1), 0, pick(tokens)),
  (bytes) => splice(bytes, random(bytes.length + 1), random(12), pick(tokens)),
  (bytes) => splice(bytes, random(bytes.length + 1), random(40), Buffer.alloc(0)),
  (bytes) => {
    const from = random(bytes.length + 1)
    return splice(bytes, random(bytes.length + 1), 0, bytes.subarray(from, from + random(80)))
  },
  (bytes) => bytes.subarray(0, random(bytes.length + 1)),
  (bytes) => {
    // Another number in the place of one, such as a size or an offset.
    const numbers = [...bytes.toString('latin1').matchAll(/\d+/g)]
    if (numbers.length === 0) return bytes
    const number = pick(numbers)
    const changed = pick([`${Number(number[0]) + random(9) - 4}`, `${random(100)}`, pick(tokens).toString('latin1')])
    return splice(bytes, number.index, number[0].length, Buffer.from(changed, 'latin1'))
  },
]

/** One to three mutations. */
function mutatedText(text) {
  let bytes = text
  for (let i = random(3); i >= 0; i--) bytes = pick(mutations)(bytes)
  return bytes
}

/** A file whose header or buffer has one to three mutations; most often its length is right again. */
function mutatedFile(original) {
  const end = 8 + Number(original.readBigUInt64LE(0))
  let header = original.subarray(8, end)
  let buffer = original.subarray(end)
  for (let i = random(3); i >= 0; i--) {
    if (random(8) === 0) buffer = pick(mutations)(buffer)
    else header = pick(mutations)(header)
  }
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  const bytes = Buffer.concat([length, header, buffer])
  return random(10) === 0 ? pick(mutations)(bytes) : bytes
}

let read = 0
const codes = {}
const indexCodes = {}
const untyped = []

/** One tensor at a time: a dtype that is refused spoils no other. */
async function readAll(place, mmap) {
  const file = await Safetensors.open(place, { mmap })
  for (const name of file.keys()) {
    const { shape } = file.info(name)
    const tensor = await file.tensor(name)
    await tensor.data()
    if (shape.length > 0) await (await file.slice(name, random(4) - 2, random(4))).data()
    read++
  }
  file.dispose()
}

for (let i = 0; i < Number(cases); i++) {
  writeSync(1, `case ${i}\n`) // at once: a crash loses what is buffered
  const { bytes, isIndex } = pick(originals)
  const counts = isIndex ? indexCodes : codes
  const place = join(folder, isIndex ? 'mutated.safetensors.index.json' : 'mutated.safetensors')
  rmSync(place, { force: true }) // a new file: the old one may still be mapped
  writeFileSync(place, isIndex ? mutatedText(bytes) : mutatedFile(bytes))
  await scope(() =>
    readAll(place, i % 2 === 0).catch((error) => {
      if (error instanceof TorchError) counts[error.code] = (counts[error.code] ?? 0) + 1
      else untyped.push(`${i}: ${error}`)
    }),
  )
}
console.log(JSON.stringify({ read, codes, indexCodes, untyped }))
