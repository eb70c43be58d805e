// Two readers of one format: the engine's, which loads, and the one that inspects without libtorch. They agree.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { TorchError } from '../../lib/core/errors.js'
import { Safetensors } from '../../lib/io/safetensors.js'
import { readSafetensorsHeader } from '../../lib/io/safetensors-header-file.js'
import { expectNoLeaks } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { safetensorsBytes } from '../support/safetensors-bytes.js'
import { fileOf } from '../support/safetensors-files.js'
import { repositoryRoot } from '../support/source-files.js'

expectNoLeaks()

interface Golden {
  files: { what: string; hex: string }[]
  vectors: { what: string; hex: string }[]
}
const golden: Golden = JSON.parse(readFileSync(join(repositoryRoot, 'test', 'golden', 'safetensors.json'), 'utf8'))

const operation = 'Safetensors.open'

/** What a reader says: a header, or the code and the message of its error. */
async function verdict(reading: Promise<object>): Promise<unknown> {
  try {
    return await reading
  } catch (error) {
    if (!(error instanceof TorchError)) throw error
    // Only one of the two knows at which byte text ceases to be UTF-8.
    return [error.code, error.operation, error.message.replace(/Expected UTF-8 .*, in /, 'Expected UTF-8, in ')]
  }
}

async function ofEngine(path: string): Promise<object> {
  using opened = await Safetensors.open(path)
  return { metadata: opened.metadata, tensors: opened.keys().map((name) => ({ name, ...opened.info(name) })) }
}

async function expectAgreement(bytes: Uint8Array, path = fileOf(bytes)): Promise<unknown> {
  writeFileSync(path, bytes)
  const theirs = await verdict(ofEngine(path))
  expect(await verdict(readSafetensorsHeader(path, { operation, signal: undefined }))).toEqual(theirs)
  return theirs
}

test.each([...golden.files, ...golden.vectors].map(({ what, hex }) => [what, hex]))('%s', async (_, hex) => {
  await expectAgreement(Buffer.from(hex as string, 'hex'))
})

/** Numbers below `limit` that are the same in every run. */
function generator(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

test('changed anywhere, a file is judged alike', { timeout: 60_000 }, async () => {
  const rounds = process.env.FULL === '1' ? 20_000 : 1500
  const random = generator(7)
  const path = fileOf('')
  const original = safetensorsBytes({ 'a.\u00e9\u{1f600}': [2, 3], b: [], c: [0, 9] }, { metadata: { format: 'pt' } })
  const header = 8 + original.readUInt32LE(0)
  const pieces = [
    '"',
    '\\',
    '\\u',
    'd83d',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '0',
    '9',
    '-',
    '.',
    'e',
    ' ',
    'null',
    '\u00e9',
  ]
  let accepted = 0
  for (let round = 0; round < rounds; round++) {
    const bytes = Buffer.from(original)
    const at = 8 + random(header - 8)
    const change = random(3)
    if (change === 0) bytes[at] = random(256)
    else bytes.write(pieces[random(pieces.length)] as string, at)
    if (change === 2) bytes[random(header)] = random(256)
    if (!Array.isArray(await expectAgreement(bytes, path))) accepted++
  }
  expect(accepted).toBeGreaterThan(rounds / 100)
  expect(accepted).toBeLessThan(rounds)
})

describe('what is no regular file', () => {
  const read = (path: string) => readSafetensorsHeader(path, { operation: 'inspect', signal: undefined })

  test('is refused at once: a folder, a device, a pipe, nothing', async () => {
    const pipe = join(temporaryFolder(), 'pipe')
    execFileSync('mkfifo', [pipe])
    for (const path of ['/dev/null', pipe, temporaryFolder(), '/nowhere']) {
      await expect(read(path)).rejects.toMatchObject({ code: 'ERR_TORCH_DISK', operation: 'inspect' })
    }
  })

  test('and what is aborted rejects with the reason', async () => {
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    const path = fileOf(safetensorsBytes({ a: [1] }))
    await expect(readSafetensorsHeader(path, { operation: 'inspect', signal })).rejects.toBe(reason)
  })
})
