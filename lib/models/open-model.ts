import { statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { invalidArgument, torchError } from '../core/errors.js'
import type { Seed } from '../core/generator.js'
import { Module } from '../core/module.js'
import { scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'
import { findInHubCache } from '../io/hub-cache.js'
import { Safetensors } from '../io/safetensors.js'
import { type PretrainedConfig, parsePretrainedConfig, readPretrainedConfig } from './pretrained-config.js'
import { randomWeights } from './random-weights.js'
import { type ArchitectureName, architectures, requireArchitecture, weightlessArchive } from './registry.js'

/**
 * Where a model comes from: a TorchScript archive (path, file: URL or bytes), a folder with config.json and
 * model.safetensors, a repository of the hub whose files lie in the local cache ('timm/resnet18.a1_in1k'), or an
 * architecture of this package with tensors by name or with seeded random weights.
 */
export type ModelSource =
  | string
  | URL
  | Uint8Array
  | { architecture: ArchitectureName; weights: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>> }
  | { architecture: ArchitectureName; random: Seed }

export interface OpenedModel extends PretrainedConfig {
  /** In eval mode, with weights. */
  module: Module
}

type Weights = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>

/** Our archives say in metadata.json what they are. */
function configOfArchive(module: Module, place: string): PretrainedConfig {
  const metadata = module.extraFiles()['metadata.json']
  if (metadata === undefined) return { architecture: undefined, preprocess: {}, labels: undefined }
  return parsePretrainedConfig(metadata, `metadata.json of ${place}`)
}

async function openArchive(source: string | URL | Uint8Array): Promise<OpenedModel> {
  const module = await Module.load(source)
  await module.eval()
  return { module, ...configOfArchive(module, source instanceof Uint8Array ? 'the archive' : String(source)) }
}

/** The architecture's program on the meta device, filled by `weightsOf` without a second copy. */
async function fill(
  architecture: ArchitectureName,
  weightsOf: (module: Module) => Promise<Weights>,
): Promise<OpenedModel> {
  const module = await Module.load(weightlessArchive(architecture), { device: 'meta' })
  try {
    await scope(async () => module.loadStateDict(await weightsOf(module)))
  } catch (error) {
    module.dispose()
    throw error
  }
  await module.eval()
  return { module, ...configOfArchive(module, architecture) }
}

/** A folder laid out as a repository of timm's on the hub. */
async function openFolder(config: string, weights: string): Promise<OpenedModel> {
  const pretrained = await readPretrainedConfig(config)
  const architecture = requireArchitecture(pretrained.architecture, `the model of ${config}`)
  const { module } = await fill(architecture, async () => (await Safetensors.open(weights)).tensors())
  return { module, ...pretrained }
}

const weightsName = 'model.safetensors'
const configName = 'config.json'

function pretrainedFiles(repository: string): Promise<[string | undefined, string | undefined]> {
  return Promise.all([findInHubCache(repository, configName), findInHubCache(repository, weightsName)])
}

async function openPlace(place: string): Promise<OpenedModel> {
  const stat = statSync(place, { throwIfNoEntry: false })
  if (stat?.isDirectory()) return openFolder(join(place, configName), join(place, weightsName))
  if (stat !== undefined || !/^[\w.-]+\/[\w.-]+$/.test(place)) return openArchive(place)
  const [config, weights] = await pretrainedFiles(place)
  if (config !== undefined && weights !== undefined) return openFolder(config, weights)
  const message =
    `Expected a file, a folder or a repository in the local hub cache but '${place}' is none: ` +
    `download it with 'hf download ${place}' where there is a network`
  throw torchError('ERR_TORCH_MODULE_LOAD', message, { operation: 'load' })
}

/** Rejects with ERR_TORCH_MODULE_LOAD, ERR_TORCH_FILE_FORMAT, ERR_TORCH_STATE_DICT, ERR_TORCH_INVALID_ARGUMENT. */
export async function openModel(source: ModelSource): Promise<OpenedModel> {
  if (source instanceof Uint8Array) return openArchive(source)
  if (source instanceof URL) return openPlace(fileURLToPath(source))
  if (typeof source === 'string') return openPlace(source)
  if (typeof source !== 'object' || source === null) {
    throw invalidArgument('source', 'a path, bytes, a repository or { architecture, weights | random }', source)
  }
  const architecture = requireArchitecture(source.architecture, 'load')
  if ('random' in source) {
    return fill(architecture, async (module) => randomWeights(await module.stateDict(), source.random))
  }
  return fill(architecture, async () => source.weights)
}

/** Whether the weights that an architecture is known for lie in the local hub cache. */
export async function hasPretrained(architecture: ArchitectureName): Promise<boolean> {
  const files = await pretrainedFiles(architectures[requireArchitecture(architecture, 'hasPretrained')].hub)
  return files.every((file) => file !== undefined)
}
