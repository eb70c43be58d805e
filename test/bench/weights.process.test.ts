import { execFile } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { repositoryRoot } from '../support/source-files.js'

const run = promisify(execFile)
const bench = join(repositoryRoot, 'scripts', 'bench')
const archive = join(repositoryRoot, '.artifacts', 'resnet18.pt')

/** What a child of the suites prints. */
async function child(suite: string, name: string, options: object) {
  const args = [join(bench, suite, 'children', `${name}.mjs`), JSON.stringify(options)]
  return JSON.parse((await run(process.execPath, args, { cwd: repositoryRoot })).stdout)
}

test('the stream that is measured gives a vector of each good image and names the bad one in its place', async () => {
  const folder = temporaryFolder()
  const photos = join(repositoryRoot, 'assets', 'photos')
  const names = ['a.jpg', 'b.jpg', 'c.jpg']
  copyFileSync(join(photos, 'china.jpg'), join(folder, 'a.jpg'))
  const whole = readFileSync(join(photos, 'flower.jpg'))
  writeFileSync(join(folder, 'b.jpg'), whole.subarray(0, whole.length / 3))
  copyFileSync(join(photos, 'rocket.jpg'), join(folder, 'c.jpg'))
  const rows = join(temporaryFolder(), 'rows.f32')
  const measured = await child('preprocess', 'stream', { verb: 'embed', archive, folder, names, batch: 2, rows })
  const path = join(folder, 'b.jpg')
  expect(measured.failed).toEqual([{ place: 1, image: path, message: expect.stringContaining(path) }])
  expect(measured.resident).toHaveLength(3)
  const numbers = new Float32Array(new Uint8Array(readFileSync(rows)).buffer)
  expect(numbers).toHaveLength(2 * 512)
  const vectors = [numbers.subarray(0, 512), numbers.subarray(512)]
  for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
  expect(vectors[0]).not.toEqual(vectors[1])
})

test('the loads that are measured, read and mapped, give the logits of the golden', async () => {
  const weights = join(temporaryFolder(), 'model.safetensors')
  expect(await child('weights', 'write-weights', { archive, weights })).toEqual({ tensors: 122 })
  const { touch } = await import(join(bench, 'weights', 'load.mjs'))
  for (const mmap of [false, true]) {
    const measured = await child('weights', 'load', { root: repositoryRoot, weights, loads: 2, mmap, touch })
    expect(measured.correct).toBe(true)
    expect(measured.milliseconds).toHaveLength(2)
    expect(Math.min(...measured.milliseconds)).toBeGreaterThan(0)
  }
})

const measuredRow = {
  row: z.string(),
  ours: z.number(),
  unit: z.string(),
  n: z.int().min(1),
  correct: z.literal(true),
  note: z.string(),
}
const documentSchema = z.object({
  suite: z.literal('weights'),
  rows: z.tuple([
    z.strictObject({ ...measuredRow, peer: z.number(), peerName: z.string(), ratio: z.number() }),
    z.strictObject({ ...measuredRow, peer: z.number(), peerName: z.string(), ratio: z.number() }),
    z.strictObject({ ...measuredRow, peer: z.null(), peerName: z.null(), ratio: z.null() }),
  ]),
})

// The peers are 400 MB from package registries, which a plain run of the tests does not ask for.
if (process.env.FULL === '1') {
  test('the suite weights prints one JSON document with every row measured and correct', {
    timeout: 300_000,
  }, async () => {
    const env = { ...process.env, BENCH_QUICK: '1' }
    const command = [join(bench, 'main.mjs'), 'weights', '--json']
    const { stdout } = await run(process.execPath, command, { cwd: repositoryRoot, env })
    const { rows } = documentSchema.parse(JSON.parse(stdout))
    expect(rows.map(({ row }) => row)).toEqual(['weights.load', 'embed.folder', 'folder.rss'])
  })
}
