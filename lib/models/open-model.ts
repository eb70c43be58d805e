import { dirname, join } from 'node:path'
import { throwIfAborted } from '../core/abort.js'
import { invalidArgument, isOurs, torchError } from '../core/errors.js'
import { withoutFileUrl } from '../core/file-path.js'
import type { Seed } from '../core/generator.js'
import { cacheFolder } from '../core/libtorch-find.js'
import { Module } from '../core/module.js'
import { defineOptions, parseOptions } from '../core/options.js'
import { isPlainObject } from '../core/plain-object.js'
import { scope } from '../core/scope.js'
import { findInHubCache } from '../io/hub-cache.js'
import { hubCacheFolder, requireToken } from '../io/hub-environment.js'
import { oneRevision } from '../io/hub-repository.js'
import { pathKind, pathKindIfKnown } from '../io/path-kind.js'
import { Safetensors } from '../io/safetensors.js'
import { fetchModelFiles, type LoadControl, type LoadHubOptions, shardNames } from './hub-files.js'
import { tensorsFrom } from './label-offset.js'
import { loadWeights, type Weights } from './load-weights.js'
import { manifestOf } from './manifest.js'
import { type ModelArgs, modelArgsFields, type ParsedModelArgs } from './model-args.js'
import { inFormOf } from './model-form.js'
import { type ModelName, nameHint, readLocalFolder, readModelName } from './model-name.js'
import {
  type PretrainedConfig,
  parsePretrainedConfig,
  readPretrainedConfig,
  readWeightsName,
} from './pretrained-config.js'
import { type ProgramInfo, programInfo } from './program-info.js'
import { randomWeights } from './random-weights.js'
import { type ArchitectureName, architectures, requireArchitecture, weightlessFiles } from './registry.js'
import { defaultWeights, indexName, isWeightsName } from './weights-name.js'

/**
 * Where a model comes from: a TorchScript archive (path, file: URL or bytes), a folder with config.json and
 * model.safetensors, which may be several files with an index (or that file or index, or 'local-dir:' and the folder), a
 * repository of the hub ('timm/resnet18.a1_in1k', 'hf-hub:timm/resnet18.a1_in1k', 'timm/resnet18.a1_in1k@v1' for a
 * revision) or the name of an architecture of this package, with a tag of timm's or without ('resnet18.a1_in1k',
 * 'resnet18'), whose files are taken from the local caches, else fetched from the hub, or such an architecture with
 * tensors by name or with seeded random weights; beside those, what timm.create_model was given for them.
 */
export type ModelSource<Name extends ArchitectureName = ArchitectureName> =
  | string
  | URL
  | Uint8Array
  | ({ architecture: Name; weights: Weights } & ModelArgs)
  | ({ architecture: Name; random: Seed } & ModelArgs)

export interface OpenedModel extends PretrainedConfig {
  /** In eval mode, with weights. */
  module: Module
  program: ProgramInfo
}

/** What the caller wants of a program (undefined: as the weights have it) and of the way to it and to its weights. */
type Wanted = Pick<ModelArgs, 'outputStride'> & LoadControl & { mmap?: boolean | undefined }

const metadataOf = (module: Module) => module.extraFiles()['metadata.json']

/** Our archives say in metadata.json what they are. */
function configOfArchive(module: Module, place: string): PretrainedConfig {
  const metadata = metadataOf(module)
  if (metadata !== undefined) return parsePretrainedConfig(metadata, `metadata.json of ${place}`)
  return { architecture: undefined, written: {}, writtenForTest: {}, args: {}, labels: undefined, place }
}

async function openArchive(source: string | Uint8Array, { outputStride, signal }: Wanted): Promise<OpenedModel> {
  const module = await Module.load(source, { signal })
  try {
    const config = configOfArchive(module, typeof source === 'string' ? source : 'the archive')
    const program = programInfo(metadataOf(module))
    if (outputStride !== undefined && outputStride !== program.outputStride) {
      throw invalidArgument('outputStride', `${program.outputStride}, which is built into the archive,`, outputStride)
    }
    await module.eval()
    return { module, program, ...config }
  } catch (error) {
    module.dispose()
    throw error
  }
}

/** The architecture's program on the meta device, filled by `weightsOf` without a second copy. */
async function fill(
  architecture: ArchitectureName,
  args: ParsedModelArgs,
  { signal }: Wanted,
  weightsOf: (module: Module) => Promise<Weights>,
): Promise<OpenedModel> {
  const { archive } = weightlessFiles(architecture, args.outputStride)
  const { sha256 } = manifestOf(architecture, { outputStride: args.outputStride })
  let module = await Module.load(archive, { device: 'meta', sha256, signal })
  try {
    const config = configOfArchive(module, architecture)
    const program = programInfo(metadataOf(module))
    const stored = { ...config.args, ...args }
    module = await inFormOf(module, program, stored, architectures[architecture].family === 'resnet')
    await scope(async () => loadWeights(module, await weightsOf(module), { signal }))
    await module.eval()
    const labels = stored.numClasses === config.args.numClasses ? config.labels : undefined
    return { module, program, ...config, args: stored, labels }
  } catch (error) {
    module.dispose()
    throw error
  }
}

interface Files {
  config: string
  weights: string
}

/** A folder laid out as a repository of timm's on the hub. */
async function openFolder({ config, weights }: Files, wanted: Wanted): Promise<OpenedModel> {
  const { config: pretrained, offset } = await readPretrainedConfig(config)
  const architecture = requireArchitecture(pretrained.architecture, `the model of ${config}`)
  const args = withStride(pretrained.args, wanted)
  const opened = await fill(architecture, args, wanted, async () => {
    const file = await Safetensors.open(weights, { mmap: wanted.mmap, signal: wanted.signal })
    return tensorsFrom(file, offset, { dtype: 'float32', signal: wanted.signal }) // what our archives compute in
  })
  return { ...opened, ...pretrained, args: opened.args }
}

const withStride = (args: ParsedModelArgs, { outputStride }: Wanted): ParsedModelArgs =>
  outputStride === undefined ? args : { ...args, outputStride }

const configName = 'config.json'

const filesIn = (folder: string): Files => ({ config: join(folder, configName), weights: join(folder, defaultWeights) })

/** The index of weights in several files, where all of them are found. */
async function wholeIndex(name: string, find: (name: string) => Promise<string | undefined>) {
  const index = await find(indexName(name))
  if (index === undefined) return undefined
  const shards = await Promise.all((await shardNames(index, name)).map(find))
  return shards.includes(undefined) ? undefined : index
}

async function repositoryFiles(
  repository: string,
  { revision, type }: Pick<LoadHubOptions, 'revision' | 'type'> = {},
): Promise<Files | undefined> {
  const find = (name: string) => findInHubCache(repository, name, { revision, type })
  const config = await find(configName)
  if (config === undefined) return undefined
  const name = await readWeightsName(config)
  const weights = (await find(name)) ?? (await wholeIndex(name, find))
  return weights === undefined ? undefined : { config, weights }
}

const ownFolder = (name: ArchitectureName) => join(cacheFolder(), 'models', name)

/** The weights that an architecture is known for: in the package's own cache, or its repository in the hub's. */
async function pretrainedFiles(name: ArchitectureName): Promise<Files | undefined> {
  const folder = ownFolder(name)
  if ((await pathKindIfKnown(join(folder, defaultWeights))) === 'file') return filesIn(folder)
  return repositoryFiles(architectures[name].hub)
}

/** Where the files of a model lie that a caller named; those that lie nowhere are fetched, and all where `force` says so. */
async function filesOfName(text: string, name: ModelName, wanted: Wanted): Promise<Files> {
  const { repository, revision: named } = name
  const revision = oneRevision({ id: repository, revision: named }, wanted.hub?.revision, 'load')
  const hub = { ...wanted.hub, revision }
  // The package's own folder has one revision, which nobody knows.
  const architecture = revision === undefined && !hub.force ? name.architecture : undefined
  const find = () => (architecture === undefined ? repositoryFiles(repository, hub) : pretrainedFiles(architecture))
  const looked = [
    `a file or folder '${text}'`,
    ...(architecture === undefined ? [] : [ownFolder(architecture)]),
    ...(hub.force ? [] : [`the cache ${hubCacheFolder()}`]),
  ]
  const names = { config: configName, weights: readWeightsName }
  const found = hub.force ? undefined : await find()
  return found ?? (await fetchModelFiles({ repository, looked, names }, { ...wanted, hub }))
}

function nothingThere(place: string) {
  const message = `Expected a file, a folder or the name of a model but found nothing at '${place}'${nameHint(place)}`
  return torchError('ERR_TORCH_MODULE_LOAD', message, { operation: 'load' })
}

/** Of what is not of the hub: nobody is to think that it was pinned. */
function requireNoRevision({ hub }: Wanted, source: unknown): void {
  if (hub?.revision === undefined) return
  throw invalidArgument('source', `a repository of the hub beside hub.revision '${hub.revision}'`, source)
}

/** With the index where the weights are in several files. */
async function filesOrIndexIn(folder: string): Promise<Files> {
  const files = filesIn(folder)
  const index = indexName(files.weights)
  const [whole, parts] = await Promise.all([files.weights, index].map(pathKind))
  return whole === undefined && parts === 'file' ? { ...files, weights: index } : files
}

/** Says what a model is where a file of it is not there. ERR_TORCH_DISK. */
async function requireFiles({ config, weights }: Files, place: string): Promise<Files> {
  for (const path of [config, weights]) {
    if ((await pathKind(path)) !== undefined) continue
    const wanted = `${configName} and ${defaultWeights} in one folder`
    const message = `Expected a model at '${place}' (${wanted}, or a TorchScript archive) but ${path} does not exist`
    throw torchError('ERR_TORCH_DISK', message, { operation: 'load', details: { path, code: 'ENOENT' } })
  }
  return { config, weights }
}

async function openPlace(text: string, wanted: Wanted): Promise<OpenedModel> {
  const folder = readLocalFolder(text)
  const place = folder ?? text
  if (place === '' || place.includes('\0')) throw invalidArgument('source', sourceText, text)
  const kind = await pathKindIfKnown(place)
  const name = kind === undefined && folder === undefined ? readModelName(place) : undefined
  if (name !== undefined) return openFolder(await filesOfName(place, name, wanted), wanted)
  requireNoRevision(wanted, text)
  if (kind === 'folder') return openFolder(await requireFiles(await filesOrIndexIn(place), place), wanted)
  if (kind === undefined || folder !== undefined) throw nothingThere(text)
  if (!isWeightsName(place)) return openArchive(place, wanted)
  const files = { config: join(dirname(place), configName), weights: place }
  return openFolder(await requireFiles(files, place), wanted)
}

const sourceText =
  'a path, a file: URL, the bytes of an archive, or { architecture, weights } or { architecture, random }'

const architectureSource = defineOptions((z) => ({
  architecture: z.unknown().optional(),
  weights: z.custom<Weights>().optional(),
  random: z.custom<Seed>().optional(),
  ...modelArgsFields(z),
}))

function openArchitecture(source: object, wanted: Wanted): Promise<OpenedModel> {
  const { architecture: name, weights, random, ...given } = parseOptions(architectureSource, source, 'source')
  const architecture = requireArchitecture(name, 'load')
  const args = withStride(given, wanted)
  if (weights !== undefined && random === undefined) return fill(architecture, args, wanted, async () => weights)
  if (random !== undefined && weights === undefined) {
    return fill(architecture, args, wanted, async (module) => randomWeights(await module.stateDict(), random))
  }
  throw invalidArgument('source', 'either weights or random', source)
}

/** A path, bytes or an object; throws ERR_TORCH_INVALID_ARGUMENT. */
function readSource(source: unknown): string | Uint8Array | object {
  try {
    const place = withoutFileUrl(source)
    if (typeof place === 'string') return place
    if (source instanceof Uint8Array || isPlainObject(source)) return source
  } catch (cause) {
    throw invalidArgument('source', sourceText, source, { cause })
  }
  throw invalidArgument('source', sourceText, source)
}

/**
 * Rejects with ERR_TORCH_MODULE_LOAD, ERR_TORCH_DOWNLOAD, ERR_TORCH_CHECKSUM, ERR_TORCH_HUB_UNAUTHORIZED,
 * ERR_TORCH_FILE_FORMAT, ERR_TORCH_STATE_DICT, ERR_TORCH_DISK, ERR_TORCH_UNKNOWN_OPTION, ERR_TORCH_INVALID_ARGUMENT,
 * the signal's reason.
 */
export async function openModel(source: ModelSource, wanted: Wanted = {}): Promise<OpenedModel> {
  const read = readSource(source)
  requireToken(wanted.hub?.token, 'load')
  throwIfAborted(wanted.signal)
  if (typeof read === 'string') return openPlace(read, wanted)
  requireNoRevision(wanted, source)
  return read instanceof Uint8Array ? openArchive(read, wanted) : openArchitecture(read, wanted)
}

/** Of a configuration that `load` could not use either. */
const isUnfit = (error: unknown) => isOurs(error) && ['ERR_TORCH_FILE_FORMAT', 'ERR_TORCH_DISK'].includes(error.code)

/** Whether the weights that an architecture is known for lie on this machine, so that `load(name)` finds them. */
export async function hasPretrained(architecture: ArchitectureName): Promise<boolean> {
  const name = requireArchitecture(architecture, 'hasPretrained')
  try {
    return (await pretrainedFiles(name)) !== undefined
  } catch (error) {
    if (isUnfit(error)) return false
    throw error
  }
}
