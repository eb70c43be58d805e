import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from './source-files.js'

// Scripts are JavaScript without declarations: an address that the compiler cannot follow gives them type any.
const { sampleModels } = await import(new URL('../../scripts/setup/sample-models.mjs', import.meta.url).href)

interface ModelFiles {
  full: string
  weightless: string
}

/** Made by scripts/setup; `weights` is a folder laid out as a repository on the hub. */
export const {
  efficientnetLite0,
  resnet18,
}: { efficientnetLite0: ModelFiles & { weights: string }; resnet18: ModelFiles } = sampleModels(repositoryRoot)

export interface GoldenPhoto {
  inputSha256: string
  top: { index: number; wordnetId: string; label: string; probability: number }[]
  logits: number[]
}

/** What timm makes of the photographs: by model, then by file name. */
export const goldenPhotos: Record<'tf_efficientnet_lite0' | 'resnet18', Record<string, GoldenPhoto>> = (() => {
  const { models } = JSON.parse(readFileSync(join(repositoryRoot, 'test', 'golden', 'classify.json'), 'utf8'))
  return { tf_efficientnet_lite0: models.tf_efficientnet_lite0.photos, resnet18: models.resnet18.photos }
})()

export const photoFolder = join(repositoryRoot, 'assets', 'photos')
/** Absolute paths, in the order of their names. */
export const photos = readdirSync(photoFolder)
  .filter((name) => /\.(jpg|png)$/.test(name))
  .sort()
  .map((name) => join(photoFolder, name))
