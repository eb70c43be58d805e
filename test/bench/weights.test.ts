import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/libtorch-folders.js'

// Scripts are JavaScript without declarations: an address that the compiler cannot follow gives them type any.
const script = (name: string) => import(new URL(`../../scripts/bench/${name}.mjs`, import.meta.url).href)
const { equalsRows, namesOnlyCorrupt } = await script('weights/embeddings')
const { withPhotoFolder } = await script('weights/photo-folder')
const { growthFigures, peerFigures } = await script('preprocess/streams')
const { families } = await script('weights/suite')

test('the rows of the suite are those of its name', () => {
  const names = families.flatMap(({ rows }: { rows: { row: string }[] }) => rows.map(({ row }) => row))
  expect(names).toEqual(['weights.load', 'weights.load.read', 'embed.folder', 'folder.rss'])
})

describe('embeddings against those of the peer', () => {
  const rows = (...values: number[]) => Float32Array.from(values)
  const wanted = rows(0.6, 0.8, 1, 0)

  test('are equal within 1e-5', () => {
    expect(equalsRows(rows(0.6, 0.8, 1, 0), wanted)).toBe(true)
    expect(equalsRows(rows(0.600009, 0.8, 1, -0.000009), wanted)).toBe(true)
    expect(equalsRows(rows(0.6, 0.8, 1, 0.00002), wanted)).toBe(false)
  })

  test('are not equal in another order, with a NaN, or where one is missing or too many', () => {
    const wrong = [rows(1, 0, 0.6, 0.8), rows(0.6, 0.8, 1, Number.NaN), rows(0.6, 0.8), rows(0.6, 0.8, 1, 0, 1, 0)]
    for (const found of wrong) expect(equalsRows(found, wanted)).toBe(false)
    expect(equalsRows(rows(), rows())).toBe(false)
  })
})

test('the corrupt image is named where it stands, alone, by its path and in what is said of it', () => {
  const photographs = { folder: '/photographs', names: ['a.jpg', 'b.jpg', 'c.jpg'], corrupt: 'b.jpg' }
  const right = { place: 1, image: '/photographs/b.jpg', message: "'/photographs/b.jpg' cannot be decoded" }
  expect(namesOnlyCorrupt([right], photographs)).toBe(true)
  for (const failed of [
    [],
    [right, right],
    [{ ...right, place: 2 }],
    [{ ...right, image: '/photographs/a.jpg' }],
    [{ ...right, message: 'an image cannot be decoded' }],
  ])
    expect(namesOnlyCorrupt(failed, photographs)).toBe(false)
})

test('a folder of photographs has its names once, a corrupt one among them, and goes when it has been used', async () => {
  const root = temporaryFolder()
  mkdirSync(join(root, 'build', 'bench'), { recursive: true })
  const source = { folder: temporaryFolder(), names: ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg', 'e.jpg', 'f.jpg'] }
  for (const name of source.names) writeFileSync(join(source.folder, name), name.repeat(30))
  const used = await withPhotoFolder(
    { root, source, count: 5 },
    ({ folder, names, corrupt, good }: { folder: string; names: string[]; corrupt: string; good: string[] }) => {
      expect(readdirSync(folder).sort()).toEqual(names)
      expect(names).toEqual(source.names.slice(0, 5))
      expect([...good, corrupt].sort()).toEqual(names)
      expect(statSync(join(folder, corrupt)).size).toBe(50)
      for (const name of good) expect(readFileSync(join(folder, name), 'utf8')).toBe(name.repeat(30))
      return folder
    },
  )
  expect(existsSync(used)).toBe(false)
  for (const name of source.names) expect(statSync(join(source.folder, name)).size).toBe(150)
})

describe('figures of a stream', () => {
  test('growth is between the means of the images before two of them, of the median run', () => {
    const run = (first: number, last: number) => ({
      resident: [900e6, 1e6, 0.8 * first, 1.2 * first, 7e6, 7e6, 7e6, 0, 0.9 * last, 1.1 * last],
    })
    const runs = [run(100e6, 110e6), run(100e6, 103e6), run(200e6, 180e6)]
    expect(growthFigures(runs, 4, 10)).toEqual({
      ours: expect.closeTo(3),
      note: 'MB, means of 2 images up to 4 and 10: 100, 110',
    })
  })

  test('the better number of threads counts for the peer', () => {
    const round = (one: number, two: number) => [{ imagesPerSecond: one }, { imagesPerSecond: two }]
    expect(peerFigures([round(10, 30), round(20, 20), round(12, 25)])).toEqual({
      peer: 25,
      peerName: 'timm, DataLoader of 2 workers',
      note: 'batches of 8; the peer by torch threads: 12 on 1, 25 on 2',
    })
  })
})
