import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { quickRows, runBenchChild } from '../support/bench-document.js'
import { repositoryRoot } from '../support/source-files.js'

const bench = join(repositoryRoot, 'scripts', 'bench')
const golden = (name: string) => JSON.parse(readFileSync(join(repositoryRoot, 'test', 'golden', name), 'utf8'))

test('the transform that is measured is the one of the goldens', async () => {
  const images = golden('transform.json').images.filter(({ file }: { file: string }) => /^(tall|wide)\.jpg$/.test(file))
  const paths = images.map(({ file }: { file: string }) => join(repositoryRoot, 'test', 'golden', 'images', file))
  const measured = await runBenchChild('preprocess', 'transform', { files: paths, seconds: 0.05 })
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
  const measured = await runBenchChild('preprocess', 'stream', options)
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

// The peers are 400 MB from package registries, which a plain run of the tests does not ask for.
if (process.env.FULL === '1') {
  test('the suite preprocess measures every row, correctly', { timeout: 300_000 }, async () => {
    expect(await quickRows('preprocess')).toEqual({ besidePeers, alone })
  })
}
