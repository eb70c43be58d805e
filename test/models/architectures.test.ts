import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { Module } from '../../lib/core/module.js'
import { type ArchitectureName, architectures, manifestOf } from '../../lib/models/index.js'
import { requireArchitecture, weightlessFiles, weightlessNames } from '../../lib/models/registry.js'
import { scopedTest } from '../support/handles.js'
import { repositoryRoot } from '../support/source-files.js'

const folder = join(repositoryRoot, 'data', 'architectures')
/** npm test makes these anew whenever scripts/export changes, and with PYTHONHASHSEED=0 their bytes say nothing else. */
const exported = join(repositoryRoot, '.artifacts', 'architectures')

const files = weightlessNames().flatMap((name) => [`${name}.pt`, `${name}.json`])

test.each(files)('%s ships as the export script makes it, byte for byte', (name) => {
  expect(readFileSync(join(folder, name)).equals(readFileSync(join(exported, name)))).toBe(true)
})

test('every line of the registry has its archives and manifests, and the other way round', () => {
  expect([...files].sort()).toEqual(readdirSync(folder).sort())
})

const variants = (Object.keys(architectures) as ArchitectureName[]).flatMap((name) =>
  architectures[name].outputStrides.map((outputStride) => [name, outputStride] as const),
)

describe.each(variants)('%s with output stride %i', (name, outputStride) => {
  const manifest = manifestOf(name, { outputStride })
  const archive = fileURLToPath(weightlessFiles(name, outputStride).archive)

  test('has a small archive with the SHA-256 of its manifest', () => {
    const content = readFileSync(archive)
    expect(basename(archive)).toBe(manifest.archive)
    expect(createHash('sha256').update(content).digest('hex')).toBe(manifest.sha256)
    expect(content.length).toBeLessThan(250_000)
    expect(content.includes(repositoryRoot)).toBe(false)
  })

  test('has a manifest that says inputs, outputs, preprocessing, labels and licence', () => {
    expect(manifest).toMatchObject({
      architecture: name,
      output_stride: outputStride,
      license: 'apache-2.0',
      labels: 'imagenet-1k',
      inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 3, 'H', 'W'] }],
      outputs: [{ name: 'logits', dtype: 'float32', shape: ['N', 1000] }],
      pretrained_cfg: { architecture: name, input_size: [3, 224, 224], interpolation: 'bicubic', crop_mode: 'center' },
    })
    expect(manifest.feature_info.at(-1)?.reduction).toBe(outputStride)
    expect(manifest.num_features).toBeGreaterThan(500)
  })

  scopedTest('has an archive that says the same', async () => {
    const module = await Module.load(archive, { device: 'meta' })
    const { archive: file, sha256, ...said } = manifest
    expect(JSON.parse(module.extraFiles()['metadata.json'] as string)).toEqual(said)
  })
})

test.each(['resnet19', 'toString', '__proto__', '', 5, null, undefined])('%j is no architecture', (name) => {
  const message = /^Expected one of resnet18, resnet34, resnet50, tf_efficientnet_lite0 for architecture/
  expect(() => requireArchitecture(name, 'test')).toThrow(message)
  expect(() => manifestOf(name as never)).toThrow(message)
})

test.each([4, 64, 0, 8.5])('%j is no output stride', (outputStride) => {
  expect(() => manifestOf('resnet18', { outputStride })).toThrow(
    expect.objectContaining({ code: 'ERR_TORCH_INVALID_ARGUMENT', message: expect.stringContaining('32, 16, 8') }),
  )
})
