import { stat } from 'node:fs/promises'
import { environmentVariable } from '../core/environment.js'
import { withDiskErrors } from './disk-error.js'
import { pipConfiguration, pipEnvironment } from './pip-config.js'
import { indexSource, linksSource, type WheelSource } from './wheel-source.js'

/** PyTorch's own wheel indexes: one with CPU builds only, one with all builds and NVIDIA's libraries. */
const pytorchIndexes = {
  cpu: 'https://download.pytorch.org/whl/cpu',
  cuda: 'https://download.pytorch.org/whl',
}

/** Sources of equal rank; a later level is looked at where an earlier one has nothing that fits. */
export interface SourceLevel {
  /** Who named them: '--index', "pip's configuration". */
  origin: string
  sources: WheelSource[]
}

export interface SourceChoice {
  levels: SourceLevel[]
  /** Whether the caller ordered these sources, so that no others may be asked, nor pip. */
  ordered: boolean
  caFile: string | undefined
}

export interface SourceOptions {
  index?: string | undefined
  findLinks?: string | undefined
  from?: string | undefined
}

function sourcesOf({ index, findLinks, from }: SourceOptions): WheelSource[] {
  return [
    ...(from === undefined ? [] : [linksSource(from, 'from')]),
    ...(findLinks === undefined ? [] : [linksSource(findLinks, 'findLinks')]),
    ...(index === undefined ? [] : [indexSource(index, 'index')]),
  ]
}

/**
 * A mistyped place of this machine is an error even where nothing of it is needed. ERR_TORCH_DISK,
 * ERR_TORCH_INVALID_ARGUMENT.
 */
export async function requirePlaces(options: SourceOptions): Promise<void> {
  for (const { kind, at } of sourcesOf(options)) {
    if (kind === 'path') await withDiskErrors(at, () => stat(at))
  }
}

function orderedSources(options: SourceOptions): SourceLevel | undefined {
  const sources = sourcesOf(options)
  if (sources.length > 0) return { origin: 'options', sources }
  const own = environmentVariable('NODE_LIBTORCH_INDEX')
  if (own === undefined) return undefined
  return { origin: 'NODE_LIBTORCH_INDEX', sources: [indexSource(own, 'NODE_LIBTORCH_INDEX')] }
}

/**
 * Options and NODE_LIBTORCH_INDEX are orders: nothing else is asked. Without them pip's environment variables, then
 * pip's configuration, then PyTorch's own index.
 */
export async function chooseSources(options: SourceOptions, variant: 'cpu' | 'cuda'): Promise<SourceChoice> {
  const environment = pipEnvironment()
  const configuration = await pipConfiguration()
  const caFile = environment.caFile ?? configuration.caFile
  const ordered = orderedSources(options)
  if (ordered !== undefined) return { levels: [ordered], ordered: true, caFile }
  const levels: SourceLevel[] = [
    { origin: "pip's environment variables", sources: environment.sources },
    { origin: "pip's configuration", sources: configuration.sources },
    { origin: 'the default', sources: [{ kind: 'index', at: pytorchIndexes[variant] }] },
  ]
  return { levels: levels.filter(({ sources }) => sources.length > 0), ordered: false, caFile }
}
