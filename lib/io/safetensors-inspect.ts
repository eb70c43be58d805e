import { readdir, readlink, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { TorchError, torchError } from '../core/errors.js'
import { requireFilePath } from '../core/file-path.js'
import { defineOptions, parseOptions } from '../core/options.js'
import { withDiskErrors } from './disk-error.js'
import { sha256OfFile } from './file-digest.js'
import { isHubBlob } from './hub-cache.js'
import { requireToken } from './hub-environment.js'
import { inspectRepository } from './hub-inspect.js'
import { type HubFileOptions, hubFields } from './hub-options.js'
import { oneRevision, readBareRepositoryName, readRepositoryName } from './hub-repository.js'
import type { InspectedFile } from './inspected-file.js'
import { pathKind } from './path-kind.js'
import { readSafetensorsHeader } from './safetensors-header-file.js'
import { readSafetensorsIndex } from './safetensors-index.js'

const operation = 'inspectSafetensors'

const inspectOptions = defineOptions((z) => {
  const { force: _, ...fields } = hubFields(z)
  return { ...fields, checksum: z.boolean().default(true) }
})

/** Options of `inspectSafetensors`; those of the hub count for repositories. */
export interface InspectOptions extends Omit<HubFileOptions, 'force'> {
  /** Whether files on this machine are read whole for their SHA-256. Default true. */
  checksum?: boolean | undefined
}

/** A file of the hub's cache is linked to a blob that is named by the SHA-256 that the hub promised. */
async function promisedSha256(path: string): Promise<string | undefined> {
  if (!(await isHubBlob(path))) return undefined
  const blob = basename(await readlink(path).catch(() => path))
  return /^[0-9a-f]{64}$/.test(blob) ? blob : undefined
}

export async function inspectFile(
  name: string,
  path: string,
  { checksum, signal }: { checksum: boolean; signal: AbortSignal | undefined },
): Promise<InspectedFile> {
  const header = await readSafetensorsHeader(path, { operation, signal })
  const { size } = await withDiskErrors(path, () => stat(path))
  const sha256 = checksum ? await withDiskErrors(path, () => sha256OfFile(path, signal)) : undefined
  const promised = sha256 === undefined ? undefined : await promisedSha256(path)
  return { name, path, bytes: size, sha256, intact: promised && sha256 ? promised === sha256 : undefined, ...header }
}

async function namesIn(folder: string): Promise<string[]> {
  const names = await withDiskErrors(folder, () => readdir(folder))
  const files = names.filter((name) => name.endsWith('.safetensors')).sort()
  if (files.length > 0) return files
  const message = `Expected safetensors files in the folder ${folder} but it has none`
  throw torchError('ERR_TORCH_FILE_FORMAT', message, { operation })
}

/** The files that an index names, once it is sure that they hold what it says. */
async function namesOf(index: string, signal: AbortSignal | undefined): Promise<string[]> {
  await readSafetensorsHeader(index, { operation, signal })
  return [...new Set((await readSafetensorsIndex(index)).shardOf.values())]
}

const nowhere: ReadonlySet<string> = new Set(['ERR_TORCH_HUB_NOT_FOUND', 'ERR_TORCH_HUB_OFFLINE'])

/** Of a name that may have been meant as that of a file. */
function nothingThere(source: string, error: unknown): unknown {
  if (!(error instanceof TorchError && nowhere.has(error.code)) || error.details?.missing === 'file') return error
  const message = `Expected a file, a folder or a repository but found nothing by the name '${source}': ${error.message}`
  return torchError(error.code, message, { operation, details: error.details, cause: error })
}

/**
 * What safetensors files hold, without loading a tensor: names, dtypes, shapes, sizes, metadata, checksums. `source` is a
 * file, a folder, an index of several files (path or file: URL), or a repository of the hub ('timm/resnet18.a1_in1k',
 * 'gpt2' where no file has that name, 'hf-hub:gpt2'; '@' and a revision may follow): of that, files in the cache are read
 * there, and of others only the header is fetched.
 *
 * Rejects with ERR_TORCH_FILE_FORMAT, ERR_TORCH_DISK, ERR_TORCH_HUB_*, ERR_TORCH_DOWNLOAD, ERR_TORCH_INVALID_ARGUMENT,
 * ERR_TORCH_UNKNOWN_OPTION, `signal.reason`.
 */
export async function inspectSafetensors(source: string | URL, options?: InspectOptions): Promise<InspectedFile[]> {
  const { checksum, revision, ...hubOptions } = parseOptions(inspectOptions, options, operation)
  requireToken(hubOptions.token, operation)
  const { signal } = hubOptions
  const path = requireFilePath(source, operation)
  const kind = await pathKind(path)
  const text = kind === undefined && typeof source === 'string' ? source : ''
  const bare = readBareRepositoryName(text)
  const repository = bare ?? readRepositoryName(text, operation)
  if (repository !== undefined) {
    const chosen = oneRevision(repository, revision, operation) ?? 'main'
    const found = inspectRepository(
      repository.id,
      { ...hubOptions, revision: chosen, force: false },
      operation,
      (name, place) => inspectFile(name, place, { checksum, signal }),
    )
    return bare === undefined ? found : found.catch((error) => Promise.reject(nothingThere(text, error)))
  }
  const isIndex = path.endsWith('.index.json')
  if (kind !== 'folder' && !isIndex) return [await inspectFile(basename(path), path, { checksum, signal })]
  const [folder, names] = kind === 'folder' ? [path, await namesIn(path)] : [dirname(path), await namesOf(path, signal)]
  const files: InspectedFile[] = []
  for (const name of names) files.push(await inspectFile(name, join(folder, name), { checksum, signal }))
  return files
}
