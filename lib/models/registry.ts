import { invalidArgument } from '../core/errors.js'

interface Architecture {
  /** Which verbs a model of it has. */
  family: 'resnet' | 'image-classifier'
  /** Where its pretrained weights lie on the hub. */
  hub: string
  /** The first is what pretrained weights were trained with. */
  outputStrides: readonly [number, ...number[]]
}

/**
 * Architectures that ship with the package: timm's names, each with weightless archives in data/architectures, one per
 * output stride, that scripts/export/architectures.py made. A new one is a line here and a run of that script.
 */
export const architectures = {
  resnet18: { family: 'resnet', hub: 'timm/resnet18.a1_in1k', outputStrides: [32, 16, 8] },
  resnet34: { family: 'resnet', hub: 'timm/resnet34.a1_in1k', outputStrides: [32, 16, 8] },
  resnet50: { family: 'resnet', hub: 'timm/resnet50.a1_in1k', outputStrides: [32, 16, 8] },
  tf_efficientnet_lite0: {
    family: 'image-classifier',
    hub: 'timm/tf_efficientnet_lite0.in1k',
    outputStrides: [32],
  },
} as const satisfies Record<string, Architecture>

export type ArchitectureName = keyof typeof architectures

/** Architectures of one family. */
export type ArchitectureOf<Family extends Architecture['family']> = {
  [Name in ArchitectureName]: (typeof architectures)[Name]['family'] extends Family ? Name : never
}[ArchitectureName]

export const isArchitecture = (name: unknown): name is ArchitectureName =>
  typeof name === 'string' && Object.hasOwn(architectures, name)

/** timm's split_model_name_tag: 'resnet18' of 'resnet18.a1_in1k'. Names that are none of this package stay as they are. */
export function withoutTag(name: string): string {
  const [architecture] = name.split('.', 1)
  return isArchitecture(architecture) ? architecture : name
}

export function requireArchitecture(name: unknown, operation: string): ArchitectureName {
  if (isArchitecture(name)) return name
  throw invalidArgument('architecture', `one of ${Object.keys(architectures).join(', ')}`, name, { operation })
}

const nameWithStride = (name: ArchitectureName, outputStride: number) =>
  outputStride === architectures[name].outputStrides[0] ? name : `${name}.os${outputStride}`

/** Names of the archives and manifests in data/architectures: 'resnet18', 'resnet18.os16'. */
export function weightlessNames(): string[] {
  return (Object.keys(architectures) as ArchitectureName[]).flatMap((name) =>
    architectures[name].outputStrides.map((stride) => nameWithStride(name, stride)),
  )
}

/** The program without weights, in which every tensor is one zero, expanded to its shape; and what is known of it. */
export function weightlessFiles(
  name: ArchitectureName,
  outputStride: number = architectures[name].outputStrides[0],
  operation?: string,
): { archive: URL; manifest: URL } {
  const strides: readonly number[] = architectures[name].outputStrides
  if (!strides.includes(outputStride)) {
    throw invalidArgument('outputStride', `one of ${[...strides].join(', ')} for ${name}`, outputStride, { operation })
  }
  const file = (ending: string) =>
    new URL(`../../data/architectures/${nameWithStride(name, outputStride)}.${ending}`, import.meta.url)
  return { archive: file('pt'), manifest: file('json') }
}
