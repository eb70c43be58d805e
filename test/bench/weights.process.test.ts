import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { quickRows, runBenchChild } from '../support/bench-document.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { repositoryRoot } from '../support/source-files.js'

const bench = join(repositoryRoot, 'scripts', 'bench')
const archive = join(repositoryRoot, '.artifacts', 'resnet18.pt')

test('the stream that is measured gives a vector of each good image and names the bad one in its place', async () => {
  const folder = temporaryFolder()
  const photos = join(repositoryRoot, 'assets', 'photos')
  const names = ['a.jpg', 'b.jpg', 'c.jpg']
  copyFileSync(join(photos, 'china.jpg'), join(folder, 'a.jpg'))
  const whole = readFileSync(join(photos, 'flower.jpg'))
  writeFileSync(join(folder, 'b.jpg'), whole.subarray(0, whole.length / 3))
  copyFileSync(join(photos, 'rocket.jpg'), join(folder, 'c.jpg'))
  const rows = join(temporaryFolder(), 'rows.f32')
  const measured = await runBenchChild('preprocess', 'stream', {
    verb: 'embed',
    archive,
    folder,
    names,
    batch: 2,
    rows,
  })
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
  expect(await runBenchChild('weights', 'write-weights', { archive, weights })).toEqual({ tensors: 122 })
  const { touch } = await import(join(bench, 'weights', 'load.mjs'))
  for (const mmap of [false, true]) {
    const measured = await runBenchChild('weights', 'load', { root: repositoryRoot, weights, loads: 2, mmap, touch })
    expect(measured.correct).toBe(true)
    expect(measured.milliseconds).toHaveLength(2)
    expect(Math.min(...measured.milliseconds)).toBeGreaterThan(0)
  }
})

// The peers are 400 MB from package registries, which a plain run of the tests does not ask for.
if (process.env.FULL === '1') {
  test('the suite weights measures every row, correctly', { timeout: 300_000 }, async () => {
    expect(await quickRows('weights')).toEqual({
      besidePeers: ['weights.load', 'weights.load.read', 'embed.folder'],
      alone: ['folder.rss'],
    })
  })
}
