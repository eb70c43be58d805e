import { nearestName } from '../core/nearest-name.js'
import { looksLikeRepository, readRepositoryName } from '../io/hub-repository.js'
import { type ArchitectureName, architectures, isArchitecture } from './registry.js'

/** A text that names a model rather than a place. */
export interface ModelName {
  /** On the hub. */
  repository: string
  /** Of the repository, where the name says one. */
  revision: string | undefined
  /** Where the name is that of an architecture alone: its best known weights are meant. */
  architecture: ArchitectureName | undefined
}

/**
 * What timm.create_model takes as a name: an architecture ('resnet18', with the tag that is its default), one with a tag
 * ('resnet18.a1_in1k', a repository of timm's), or a repository ('hf-hub:org/name@revision', and here 'org/name' too).
 * undefined for what can only be a path. Throws ERR_TORCH_INVALID_ARGUMENT for 'hf-hub:' before what is no repository.
 */
export function readModelName(text: string): ModelName | undefined {
  if (isArchitecture(text)) return { repository: architectures[text].hub, revision: undefined, architecture: text }
  const named = readRepositoryName(text, 'load')
  if (named !== undefined) return { repository: named.id, revision: named.revision, architecture: undefined }
  const [name, tag] = /^([^.]+)\.(.+)$/.exec(text)?.slice(1) ?? []
  const tagged = `timm/${name}.${tag}`
  return isArchitecture(name) && looksLikeRepository(tagged)
    ? { repository: tagged, revision: undefined, architecture: undefined }
    : undefined
}

/** timm's word for a folder, which is no name then: the path behind it. */
export function readLocalFolder(text: string): string | undefined {
  return /^local-dir:/i.test(text) ? text.slice('local-dir:'.length) : undefined
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
