import { invalidArgument } from '../core/errors.js'

interface Architecture {
  /** Which verbs a model of it has. */
  family: 'resnet' | 'image-classifier'
  /** Where its pretrained weights lie on the hub. */
  hub: string
}

/**
 * Architectures that ship with the package: timm's names, each with a weightless archive in data/architectures that
 * scripts/export made. A new one is a line here and an archive there.
 */
export const architectures = {
  resnet18: { family: 'resnet', hub: 'timm/resnet18.a1_in1k' },
  tf_efficientnet_lite0: { family: 'image-classifier', hub: 'timm/tf_efficientnet_lite0.in1k' },
} as const satisfies Record<string, Architecture>

export type ArchitectureName = keyof typeof architectures

export function requireArchitecture(name: unknown, operation: string): ArchitectureName {
  if (typeof name === 'string' && Object.hasOwn(architectures, name)) return name as ArchitectureName
  throw invalidArgument('architecture', `one of ${Object.keys(architectures).join(', ')}`, name, { operation })
}

/** The program without weights: every tensor is one zero, expanded to its shape. */
export function weightlessArchive(name: ArchitectureName): URL {
  return new URL(`../../data/architectures/${name}.pt`, import.meta.url)
}
