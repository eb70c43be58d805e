import { readFileSync } from 'node:fs'

/** A class of ImageNet-1k. */
export interface Label {
  /** 'n07920052' */
  wordnetId: string
  /** The first is the common one: ['espresso']. */
  names: readonly string[]
}

let imagenet1k: readonly Label[] | undefined

/** The 1,000 classes of ImageNet-1k in the order of the logits, as timm's ImageNetInfo has them. */
export function imagenetLabels(): readonly Label[] {
  imagenet1k ??= JSON.parse(readFileSync(new URL('../../data/imagenet-1k.json', import.meta.url), 'utf8')) as Label[]
  return imagenet1k
}
