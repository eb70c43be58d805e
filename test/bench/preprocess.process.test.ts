import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { repositoryRoot } from '../support/source-files.js'

const run = promisify(execFile)
const bench = join(repositoryRoot, 'scripts', 'bench')
const golden = (name: string) => JSON.parse(readFileSync(join(repositoryRoot, 'test', 'golden', name), 'utf8'))

/** What a child of the suite prints. */
async function child(name: string, options: object) {
  const args = [join(bench, 'preprocess', 'children', `${name}.mjs`), JSON.stringify(options)]
  return JSON.parse((await run(process.execPath, args, { cwd: repositoryRoot })).stdout)
}

test('the transform that is measured is the one of the goldens', async () => {
  const images = golden('transform.json').images.filter(({ file }: { file: string }) => /^(tall|wide)\.jpg$/.test(file))
  const paths = images.map(({ file }: { file: string }) => join(repositoryRoot, 'test', 'golden', 'images', file))
  const measured = await child('transform', { files: paths, seconds: 0.05 })
  expect(images).toHaveLength(2)
  for (const [index, { tensor }] of images.entries()) {
    const { sha256, milliseconds } = measured[paths[index]]
    expect(sha256).toBe(tensor)
    expect(milliseconds.length).toBeGreaterThanOrEqual(5)
    expect(Math.min(...milliseconds)).toBeGreaterThan(0)
  }
})

test('the stream that is measured gives the predictions of the goldens, in order', async () => {
  const { equalsLogits } = await import(join(bench, 'preprocess', 'predictions.mjs'))
  const { photos } = golden('classify.json').models.resnet18
  const names = Object.keys(photos)
  const options = {
    verb: 'classify',
    archive: join(repositoryRoot, '.artifacts', 'resnet18.pt'),
    folder: join(repositoryRoot, 'assets', 'photos'),
    names,
    batch: 4,
    watchLoop: true,
  }
  const measured = await child('stream', options)
  const logits = Float32Array.from(names.flatMap((name) => photos[name].logits))
  expect(names.length).toBeGreaterThan(options.batch)
  expect(equalsLogits(measured.predictions, logits)).toBe(true)
  expect(equalsLogits(measured.predictions.toReversed(), logits)).toBe(false)
  expect(measured.failed).toEqual([])
  expect(measured.resident).toHaveLength(names.length)
  expect(measured.imagesPerSecond * measured.seconds).toBeCloseTo(names.length)
  expect(measured.delayP99).toBeGreaterThan(0)
  expect(measured.delayMax).toBeGreaterThanOrEqual(measured.delayP99)
})

const besidePeers = [
  ...['preprocess.640x480', 'preprocess.1920x1080', 'preprocess.4000x3000'],
  ...['resample.only', 'classify.stream'],
]
const alone = ['classify.rss', 'classify.loop.p99']

const measuredRow = {
  row: z.string(),
  ours: z.number(),
  unit: z.string(),
  n: z.int().min(1),
  correct: z.literal(true),
  note: z.string(),
}
const documentSchema = z.object({
  suite: z.literal('preprocess'),
  rows: z.array(
    z.union([
      z.strictObject({ ...measuredRow, peer: z.number(), peerName: z.string(), ratio: z.number() }),
      z.strictObject({ ...measuredRow, peer: z.null(), peerName: z.null(), ratio: z.null() }),
    ]),
  ),
})

// The peers are 400 MB from package registries, which a plain run of the tests does not ask for.
if (process.env.FULL === '1') {
  test('the suite preprocess prints one JSON document with every row measured and correct', {
    timeout: 300_000,
  }, async () => {
    const env = { ...process.env, BENCH_QUICK: '1' }
    const { stdout } = await run(process.execPath, [join(bench, 'main.mjs'), 'preprocess', '--json'], {
      cwd: repositoryRoot,
      env,
    })
    const { rows } = documentSchema.parse(JSON.parse(stdout))
    expect(rows.map(({ row }) => row)).toEqual([...besidePeers, ...alone])
    expect(rows.filter(({ peer }) => peer !== null).map(({ row }) => row)).toEqual(besidePeers)
  })
}
