import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const main = fileURLToPath(new URL('../../scripts/bench/main.mjs', import.meta.url))

const names = [
  'addon.size',
  'import.bare',
  'import.cpu',
  'roundtrip.serial',
  'roundtrip.serial.asyncworker',
  'roundtrip.serial.tensor',
  'roundtrip.serial.tensor.asyncworker',
  'roundtrip.pipelined',
  'roundtrip.pipelined.asyncworker',
  'roundtrip.pipelined.tensor',
  'roundtrip.pipelined.tensor.asyncworker',
  'loop.delay.p99',
  'loop.readfile.p99',
  'neighbour.p50',
  'cycles.rss',
]

const documentSchema = z.strictObject({
  suite: z.literal('core'),
  machine: z.strictObject({ cpu: z.string().min(1), isa: z.string().min(1), cores: z.int().min(1) }),
  versions: z.record(z.string(), z.string()),
  rows: z.array(
    z.strictObject({
      row: z.string(),
      ours: z.number(),
      peer: z.number(),
      peerName: z.string(),
      ratio: z.number(),
      unit: z.string(),
      n: z.int().min(1),
      correct: z.literal(true),
      note: z.string().optional(),
    }),
  ),
})

test('an unknown suite is refused with the names of those that are', async () => {
  await expect(run(process.execPath, [main, 'cores'], { cwd: root })).rejects.toThrow(
    /Expected the name of a suite \(.*\bcore\b.*\) but received 'cores'/,
  )
})

// The peers are 400 MB from package registries, which a plain run of the tests does not ask for.
if (process.env.FULL === '1') {
  test('the suite core prints one JSON document with every row measured and correct', {
    timeout: 300_000,
  }, async () => {
    const env = { ...process.env, BENCH_QUICK: '1' }
    const { stdout } = await run(process.execPath, [main, 'core', '--json'], { cwd: root, env })
    const document = documentSchema.parse(JSON.parse(stdout))
    expect(document.rows.map(({ row }) => row)).toEqual(names)
  })
}
