import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { TorchError, torchError } from '../core/errors.js'
import { withDiskErrors } from './disk-error.js'
import { requireDiskSpace } from './disk-space.js'
import { downloadFile } from './download.js'
import { sha256OfFile } from './file-digest.js'
import type { SourceLevel } from './libtorch-sources.js'
import { fetchPage, type Network } from './network.js'
import { withWheel } from './wheel-archive.js'
import type { WheelLink } from './wheel-link.js'
import { describeSource, listWheels } from './wheel-source.js'

export interface LibraryOptions {
  levels: readonly SourceLevel[]
  network: Network
  /** Where wheels are kept until they are unpacked. */
  downloads: string
  /** Where they will be unpacked. */
  unpackInto: string
  /** Wheels of an index that promises no SHA-256 are taken too. */
  allowUnverified: boolean
  onProgress: (file: string, received: number, total: number | undefined) => void
}

/** Why a place has nothing that fits. */
export interface Refusal {
  place: string
  reason: string
  cause?: unknown
}

/** torch and NVIDIA's libraries take two to three times the space of their wheels. */
const unpackedRatio = 2.5

/** The wheels of all sources of one installation. */
export class WheelLibrary {
  readonly levels: readonly SourceLevel[]
  readonly refusals: Refusal[] = []
  readonly #options: LibraryOptions

  constructor(options: LibraryOptions) {
    this.levels = options.levels
    this.#options = options
  }

  refuse(place: string, reason: string, cause?: unknown): void {
    this.refusals.push({ place, reason, ...(cause === undefined ? {} : { cause }) })
  }

  /** What the sources of a level have of a project; a source that fails is a refusal, the others count. */
  async list({ origin, sources }: SourceLevel, project: string): Promise<WheelLink[]> {
    const links: WheelLink[] = []
    for (const source of sources) {
      const place = `${describeSource(source)} (${origin})`
      try {
        const found = await listWheels(source, project, this.#options.network)
        if (found.length === 0) this.refuse(place, `has no wheel of ${project}`)
        links.push(...found)
      } catch (error) {
        if (!(error instanceof TorchError)) throw error
        this.refuse(place, error.message, error)
      }
    }
    return links
  }

  /** The METADATA of a wheel, where it can be had without the wheel. */
  async metadata({ place, metadata }: WheelLink): Promise<string | undefined> {
    if ('path' in place) return withWheel(place.path, (wheel) => wheel.metadata())
    if (metadata === undefined) return undefined
    const page = await fetchPage(this.#options.network, metadata.url, '*/*')
    if (page === undefined || metadata.sha256 === undefined) return page?.text
    const digest = createHash('sha256').update(page.text).digest('hex')
    return digest === metadata.sha256 ? page.text : undefined
  }

  /** The path of the complete wheel, with the SHA-256 that its index promises. */
  async obtain({ place, name, sha256, size }: WheelLink): Promise<string> {
    const { network, downloads, unpackInto, allowUnverified, onProgress } = this.#options
    if ('path' in place) {
      if (sha256 !== undefined) await this.#verify(place.path, sha256)
      return place.path
    }
    if (sha256 === undefined && !allowUnverified) {
      const message =
        `Expected a SHA-256 for ${name.file} but its index promises none: ` +
        'allow that (--allow-unverified), or fetch the file yourself and install --from it'
      throw torchError('ERR_TORCH_CHECKSUM', message)
    }
    // Other bytes under the same name must not be continued.
    const target = join(downloads, sha256?.slice(0, 16) ?? 'unverified', name.file)
    await downloadFile({
      ...network,
      ...{ url: place.url, target, sha256, size },
      reserve: (bytesToCome, total) =>
        requireDiskSpace([
          { folder: downloads, bytes: bytesToCome },
          { folder: unpackInto, bytes: total * unpackedRatio },
        ]),
      onProgress: (received, total) => onProgress(name.file, received, total),
    })
    return target
  }

  async #verify(path: string, sha256: string): Promise<void> {
    const digest = await withDiskErrors(path, () => sha256OfFile(path, this.#options.network.signal))
    if (digest === sha256) return
    throw torchError('ERR_TORCH_CHECKSUM', `Expected the SHA-256 ${sha256} of ${path} but received ${digest}`)
  }
}
