import { nearestName } from '../core/nearest-name.js'
import { looksLikeRepository } from '../io/hub-repository.js'
import { type ArchitectureName, architectures, isArchitecture } from './registry.js'

/** A text that names a model rather than a place. */
export interface ModelName {
  /** On the hub. */
  repository: string
  /** Where the name is that of an architecture alone: its best known weights are meant. */
  architecture: ArchitectureName | undefined
}

/** timm's word for a repository; the second is the old one. */
const hubPrefix = /^hf[-_]hub:/i

/**
 * What timm.create_model takes as a name: an architecture ('resnet18', with the tag that is its default), one with a tag
 * ('resnet18.a1_in1k', a repository of timm's), or a repository ('hf-hub:org/name', and here 'org/name' too). undefined
 * for what can only be a path.
 */
export function readModelName(text: string): ModelName | undefined {
  if (isArchitecture(text)) return { repository: architectures[text].hub, architecture: text }
  const repository = text.replace(hubPrefix, '')
  if (looksLikeRepository(repository)) return { repository, architecture: undefined }
  const [name, tag] = /^([^.]+)\.(.+)$/.exec(text)?.slice(1) ?? []
  const tagged = `timm/${name}.${tag}`
  return isArchitecture(name) && looksLikeRepository(tagged)
    ? { repository: tagged, architecture: undefined }
    : undefined
}

/** For a text that names neither model nor place, but may have been meant to: ' (did you mean resnet18?)'. */
export function nameHint(text: string): string {
  if (/[/\\]|\.(safetensors|json|pt|pth)$/.test(text)) return ''
  const names = Object.keys(architectures)
  const nearest = nearestName(text.split('.')[0] ?? '', names)
  return nearest === undefined
    ? `; architectures of this package are ${names.join(', ')}`
    : ` (did you mean ${nearest}?)`
}
