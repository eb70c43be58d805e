import { packagedJson } from '../io/packaged-json.js'

/** What a logit stands for. */
export interface Label {
  /** 'n07920052'; undefined for classes that are not WordNet's. */
  wordnetId?: string | undefined
  /** The first is the common one: ['espresso']. */
  names: readonly string[]
}

let imagenet1k: readonly Label[] | undefined

/** The 1,000 classes of ImageNet-1k in the order of the logits, as timm's ImageNetInfo has them. */
export function imagenetLabels(): readonly Label[] {
  imagenet1k ??= packagedJson(new URL('../../data/imagenet-1k.json', import.meta.url)) as Label[]
  return imagenet1k
}

/** Those of so many logits: a configuration that was copied from another model may name more classes than there are. */
export const labelsFor = (labels: readonly Label[] | undefined, classes: number) =>
  labels !== undefined && labels.length <= classes ? labels : undefined

/** The name of a class that has none. */
export const unnamed = (index: number) => `class ${index}`

const mostClasses = 1_000_000

/**
 * Names in a list, or in an object by index, where some may be missing: what timm's CustomDatasetInfo takes. undefined
 * where they are neither.
 */
export function labelsByIndex(names: unknown): Label[] | undefined {
  if (typeof names !== 'object' || names === null) return undefined
  const byIndex = new Map<number, string>()
  for (const [key, name] of Object.entries(names)) {
    const index = Number(key)
    if (!Number.isInteger(index) || index < 0 || index >= mostClasses || typeof name !== 'string') return undefined
    byIndex.set(index, name)
  }
  if (byIndex.size === 0) return undefined
  const classes = [...byIndex.keys()].reduce((most, index) => Math.max(most, index + 1), 0)
  return Array.from({ length: classes }, (_, index) => ({ names: [byIndex.get(index) ?? unnamed(index)] }))
}
