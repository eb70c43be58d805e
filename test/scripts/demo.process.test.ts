// The demos as `npm run demo` starts them, on what the set-up made.
import { createHash } from 'node:crypto'
import { chmodSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { scope } from '../../lib/core/scope.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { manifestOf } from '../../lib/models/manifest.js'
import { type ChildResult, runNode, runScript } from '../support/child-script.js'
import { filled, filledWeights } from '../support/filled-weights.js'
import { oraclePython } from '../support/golden-modules.js'
import { expectNoLeaks } from '../support/handles.js'
import { temporaryFolder, writeFile } from '../support/libtorch-folders.js'
import { goldenPhotos, photos } from '../support/sample-photos.js'
import { repositoryRoot } from '../support/source-files.js'

expectNoLeaks()

const demoScript = (name: string) => join(repositoryRoot, 'scripts', 'demo', name)
const picture = (name: string) => join(repositoryRoot, 'build', name)
const photoRow = /^ {2}\S+\.(jpg|png) .* % +\d+\.\d ms {2}equal to Python$/gm
const timeout = { timeout: 120_000 }

/** A machine whose hub cache is in a folder of this test's. */
const machine = (home: string) => ({
  ...{ HF_HOME: home, HF_HUB_CACHE: undefined, HUGGINGFACE_HUB_CACHE: undefined, ORACLE_PYTHON: oraclePython },
})

const demo = (name: string, home: string) =>
  runNode([demoScript('main.mjs'), name], { env: machine(home), timeoutMilliseconds: 100_000 })

function expectEqualToPython({ code, signal, stdout, stderr }: ChildResult): void {
  expect({ code, signal, stderr }, stdout).toEqual({ code: 0, signal: null, stderr: '' })
  expect(stdout).not.toContain('NOT equal')
}

/** Decodes to the end, has that width and at least that height, and shows something. */
async function expectPicture(name: string, width: number, height: number): Promise<void> {
  const { info } = await sharp(picture(name)).raw().toBuffer({ resolveWithObject: true })
  expect(info.width).toBe(width)
  expect(info.height).toBeGreaterThan(height)
  const { channels } = await sharp(picture(name)).stats()
  for (const { stdev } of channels.slice(0, 3)) expect(stdev).toBeGreaterThan(20)
}

/** As timm's repository lies in the hub's cache, with weights that nobody has a golden of; their SHA-256. */
async function fillHubCache(home: string): Promise<string> {
  const repository = join(home, 'hub', 'models--timm--resnet18.a1_in1k')
  const commit = 'a'.repeat(40)
  const config = {
    architecture: 'resnet18',
    num_classes: 1000,
    ...{ pretrained_cfg: manifestOf('resnet18').pretrained_cfg },
  }
  writeFile(join(repository, 'refs', 'main'), commit)
  writeFile(join(repository, 'snapshots', commit, 'config.json'), JSON.stringify(config))
  const weights = join(repository, 'snapshots', commit, 'model.safetensors')
  await scope(async () => {
    const rule = await filledWeights('resnet18')
    const others = [...rule].map(([name, { shape }]) => [name, filled(`other.${name}`, shape)] as const)
    await writeSafetensors(weights, new Map(others))
  })
  return createHash('sha256').update(readFileSync(weights)).digest('hex')
}

test('classify labels each photograph by two models, equal to Python, and draws them', timeout, async () => {
  rmSync(picture('contact-sheet.png'), { force: true })
  const result = await demo('classify', temporaryFolder())
  expectEqualToPython(result)
  expect(result.stdout.match(photoRow)).toHaveLength(2 * photos.length)
  expect(result.stdout).toMatch(/coffee\.png +espresso +95\.1 %/)
  expect(result.stdout).toContain('timm/resnet18.a1_in1k is not in the local hub cache')
  expect(result.stdout).toContain('labels by EfficientNet-Lite0')
  await expectPicture('contact-sheet.png', 768, 576)
})

test("classify holds weights of the hub's cache against timm, and says whose they are", timeout, async () => {
  const home = temporaryFolder()
  const sha256 = await fillHubCache(home)
  const other = await demo('classify', home)
  expectEqualToPython(other)
  expect(other.stdout.match(photoRow)).toHaveLength(3 * photos.length)
  expect(other.stdout).toContain(`whose weights are another file than timm's (SHA-256 ${sha256})`)
  expect(other.stdout).toContain('labels by EfficientNet-Lite0')
})

test(
  "the labels of timm's own weights are those of the sheet, and what Python says of them counts",
  timeout,
  async () => {
    const home = temporaryFolder()
    const hubSha256 = await fillHubCache(home) // as if it were the file that the hub lists
    // It says the numbers of other weights.
    const python = writeFile(
      join(home, 'python'),
      `#!/bin/sh\nprintf '%s' '${JSON.stringify(goldenPhotos.resnet18)}'\n`,
    )
    chmodSync(python, 0o755)
    const source = `
    import { classify } from ${JSON.stringify(pathToFileURL(demoScript('classify.mjs')).href)}
    process.exitCode = (await classify(${JSON.stringify({ root: repositoryRoot, hubSha256 })})) ? 0 : 1`
    const { code, stdout, stderr } = await runScript(source, { env: { ...machine(home), ORACLE_PYTHON: python } })
    expect({ code, stderr }, stdout).toEqual({ code: 1, stderr: '' })
    expect(stdout.match(photoRow)).toHaveLength(2 * photos.length)
    expect(stdout.match(/NOT equal to Python: logits, label$/gm)).toHaveLength(photos.length)
    expect(stdout).toContain("with timm's ImageNet weights from the local hub cache")
    expect(stdout).toContain('labels by ResNet18')
  },
)

test('features finds scales, neighbours and heat maps, equal to Python, and draws them', timeout, async () => {
  for (const name of ['nearest.png', 'heat-map.png']) rmSync(picture(name), { force: true })
  const result = await demo('features', temporaryFolder())
  expectEqualToPython(result)
  expect(result.stdout.match(/^ {4}\S+ +\d+ channels .*\] +equal to Python$/gm)).toHaveLength(2 * 5)
  const all = ['scales', 'embeddings', 'cosines', 'heat maps'].map((name) => `${name} equal to Python`).join(', ')
  expect(result.stdout.split(`  all photographs: ${all}\n`)).toHaveLength(2 + 1)
  expect(result.stdout).toContain('heat map of tiger cat (39.3 %): 7 x 7 cells')
  await expectPicture('nearest.png', 768, 576)
  await expectPicture('heat-map.png', 1088, 500)
})
