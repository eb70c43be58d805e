import { labelOf, rankTorch, type TorchWish } from './torch-wish.js'
import type { WheelLibrary } from './wheel-library.js'
import type { WheelLink } from './wheel-link.js'
import { nvidiaRequirements } from './wheel-metadata.js'

/** Which build a wheel is; 'unknown' where only the wheel itself could tell. */
async function buildOf(link: WheelLink, library: WheelLibrary, wish: TorchWish): Promise<'cpu' | 'cuda' | 'unknown'> {
  const label = labelOf(link.name.version)
  if (label === 'cpu' || label === 'cuda') return label
  const metadata = await library.servedMetadata(link)
  if (metadata === undefined) return 'unknown'
  return nvidiaRequirements(metadata, link.name, wish.machine).length > 0 ? 'cuda' : 'cpu'
}

/**
 * The wheel of torch to install: the best one of the first level that has the wanted build. Only where no level has a
 * CPU build, a CUDA build serves for the CPU too (its CUDA libraries are left out); only where none has a CUDA build
 * for sure, one that may be.
 */
export async function findTorch(library: WheelLibrary, wish: TorchWish): Promise<WheelLink | undefined> {
  let second: WheelLink | undefined
  for (const level of library.levels) {
    const links = await library.list(level, 'torch')
    const ranked = rankTorch(links, wish)
    if (links.length > 0 && ranked.length === 0) {
      const versions = [...new Set(links.map(({ name }) => name.version.text))]
      const shown = versions.length > 6 ? [...versions.slice(-6), '...'] : versions
      library.refuse(level.origin, `has other wheels of torch only (${shown.join(', ')})`)
    }
    for (const link of ranked) {
      const build = await buildOf(link, library, wish)
      if (build === wish.variant) return link
      if (wish.variant === 'cpu' || build === 'unknown') second ??= link
      else library.refuse(level.origin, `has ${link.name.file}, a CPU build`)
    }
  }
  return second
}
