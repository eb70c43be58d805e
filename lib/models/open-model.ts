import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { invalidArgument, torchError } from '../core/errors.js'
import type { Seed } from '../core/generator.js'
import { cacheFolder } from '../core/libtorch-find.js'
import { Module } from '../core/module.js'
import { defineOptions, parseOptions } from '../core/options.js'
import { isPlainObject } from '../core/plain-object.js'
import { scope } from '../core/scope.js'
import type { Tensor } from '../core/tensor.js'
import { fileErrorCode } from '../io/disk-error.js'
import { findInHubCache } from '../io/hub-cache.js'
import { Safetensors } from '../io/safetensors.js'
import { type PretrainedConfig, parsePretrainedConfig, readPretrainedConfig } from './pretrained-config.js'
import { randomWeights } from './random-weights.js'
import { type ArchitectureName, architectures, requireArchitecture, weightlessArchive } from './registry.js'

/**
 * Where a model comes from: a TorchScript archive (path, file: URL or bytes), a folder with config.json and
 * model.safetensors (or that file), a repository of the hub whose files lie in its local cache ('timm/resnet18.a1_in1k'), the name of an
 * architecture of this package whose weights lie in a cache ('tf_efficientnet_lite0'), or such an architecture with
 * tensors by name or with seeded random weights.
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
  if (metadata !== undefined) return parsePretrainedConfig(metadata, `metadata.json of ${place}`)
  return { architecture: undefined, written: {}, labels: undefined, place }
}

/** In eval mode; disposed where `prepare` fails. */
async function prepared(
  module: Module,
  prepare: (module: Module) => PretrainedConfig | Promise<PretrainedConfig>,
): Promise<OpenedModel> {
  try {
    const config = await prepare(module)
    await module.eval()
    return { module, ...config }
  } catch (error) {
    module.dispose()
    throw error
  }
}

async function openArchive(source: string | Uint8Array): Promise<OpenedModel> {
  const place = typeof source === 'string' ? source : 'the archive'
  return prepared(await Module.load(source), (module) => configOfArchive(module, place))
}

/** The architecture's program on the meta device, filled by `weightsOf` without a second copy. */
async function fill(
  architecture: ArchitectureName,
  weightsOf: (module: Module) => Promise<Weights>,
): Promise<OpenedModel> {
  return prepared(await Module.load(weightlessArchive(architecture), { device: 'meta' }), async (module) => {
    await scope(async () => module.loadStateDict(await weightsOf(module)))
    return configOfArchive(module, architecture)
  })
}

interface Files {
  config: string
  weights: string
}

/** A folder laid out as a repository of timm's on the hub. */
async function openFolder({ config, weights }: Files): Promise<OpenedModel> {
  const pretrained = await readPretrainedConfig(config)
  const architecture = requireArchitecture(pretrained.architecture, `the model of ${config}`)
  const { module } = await fill(architecture, async () => (await Safetensors.open(weights)).tensors())
  return { module, ...pretrained }
}

const weightsName = 'model.safetensors'
const configName = 'config.json'

const filesIn = (folder: string): Files => ({ config: join(folder, configName), weights: join(folder, weightsName) })

async function repositoryFiles(repository: string): Promise<Files | undefined> {
  const [config, weights] = await Promise.all([configName, weightsName].map((name) => findInHubCache(repository, name)))
  return config !== undefined && weights !== undefined ? { config, weights } : undefined
}

/** What lies there; undefined too where it cannot be looked at: then whoever opens it says why. */
async function kindOf(place: string): Promise<'folder' | 'file' | undefined> {
  try {
    return (await stat(place)).isDirectory() ? 'folder' : 'file'
  } catch (error) {
    if (fileErrorCode(error) === undefined) throw error
    return undefined
  }
}

/** 'timm/resnet18.a1_in1k', not './resnet18.pt'. */
const isRepository = (place: string) =>
  /^[\w-][\w.-]*\/[\w-][\w.-]{0,95}$/.test(place) && !place.includes('--') && !place.includes('..')

/** The weights that an architecture is known for: in the package's own cache, or its repository in the hub's. */
async function pretrainedFiles(name: ArchitectureName): Promise<Files | undefined> {
  const folder = join(cacheFolder(), 'models', name)
  if ((await kindOf(join(folder, weightsName))) === 'file') return filesIn(folder)
  return repositoryFiles(architectures[name].hub)
}

async function openPlace(place: string): Promise<OpenedModel> {
  if (place === '' || place.includes('\0')) throw invalidArgument('source', sourceText, place)
  const kind = await kindOf(place)
  if (kind === 'folder') return openFolder(filesIn(place))
  if (kind === 'file' && place.endsWith('.safetensors')) {
    return openFolder({ config: join(dirname(place), configName), weights: place })
  }
  const isName = Object.hasOwn(architectures, place)
  if (kind === 'file' || !(isName || isRepository(place))) return openArchive(place)
  const files = isName ? await pretrainedFiles(place as ArchitectureName) : await repositoryFiles(place)
  if (files !== undefined) return openFolder(files)
  const repository = isName ? architectures[place as ArchitectureName].hub : place
  const message =
    `Expected a file, a folder, or weights of '${place}' in the local caches but found none: ` +
    `'hf download ${repository} ${configName} ${weightsName}' gets them where there is a network`
  throw torchError('ERR_TORCH_MODULE_LOAD', message)
}

const sourceText =
  'a path, a file: URL, the bytes of an archive, or { architecture, weights } or { architecture, random }'

const architectureSource = defineOptions((z) => ({
  architecture: z.unknown().optional(),
  weights: z.custom<Weights>().optional(),
  random: z.custom<Seed>().optional(),
}))

function openArchitecture(source: object): Promise<OpenedModel> {
  const { weights, random, ...others } = parseOptions(architectureSource, source, 'source')
  const architecture = requireArchitecture(others.architecture, 'load')
  if (weights !== undefined && random === undefined) return fill(architecture, async () => weights)
  if (random !== undefined && weights === undefined) {
    return fill(architecture, async (module) => randomWeights(await module.stateDict(), random))
  }
  throw invalidArgument('source', 'either weights or random', source)
}

/** A path, bytes or an object; throws ERR_TORCH_INVALID_ARGUMENT. */
function readSource(source: unknown): string | Uint8Array | object {
  try {
    if (source instanceof URL) return fileURLToPath(source)
    if (typeof source === 'string' || source instanceof Uint8Array) return source
    if (isPlainObject(source)) return source
  } catch (cause) {
    throw invalidArgument('source', sourceText, source, { cause })
  }
  throw invalidArgument('source', sourceText, source)
}

/**
 * Rejects with ERR_TORCH_MODULE_LOAD, ERR_TORCH_FILE_FORMAT, ERR_TORCH_STATE_DICT, ERR_TORCH_DISK,
 * ERR_TORCH_UNKNOWN_OPTION, ERR_TORCH_INVALID_ARGUMENT.
 */
export async function openModel(source: ModelSource): Promise<OpenedModel> {
  const read = readSource(source)
  if (typeof read === 'string') return openPlace(read)
  return read instanceof Uint8Array ? openArchive(read) : openArchitecture(read)
}

/** Whether the weights that an architecture is known for lie on this machine, so that `load(name)` finds them. */
export async function hasPretrained(architecture: ArchitectureName): Promise<boolean> {
  return (await pretrainedFiles(requireArchitecture(architecture, 'hasPretrained'))) !== undefined
}
