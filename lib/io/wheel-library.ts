import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { TorchError, torchError } from '../core/errors.js'
import { fileErrorCode, withDiskErrors } from './disk-error.js'
import { downloadFile } from './download.js'
import { sha256OfFile } from './file-digest.js'
import type { SourceLevel } from './libtorch-sources.js'
import { fetchPage, type Network } from './network.js'
import { withWheel } from './wheel-archive.js'
import type { LocalWheel, WheelLink } from './wheel-link.js'
import { describeSource, listWheels } from './wheel-source.js'
import { downloadPath, type WheelFolders, WheelSpace } from './wheel-space.js'

export interface LibraryOptions extends WheelFolders {
  levels: readonly SourceLevel[]
  network: Network
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

/** The wheels of all sources of one installation. */
export class WheelLibrary {
  readonly levels: readonly SourceLevel[]
  readonly refusals: Refusal[] = []
  readonly #options: LibraryOptions
  readonly #space: WheelSpace
  readonly #paths = new Map<WheelLink, string>()
  readonly #metadata = new Map<WheelLink, string>()

  constructor(options: LibraryOptions) {
    this.levels = options.levels
    this.#options = options
    this.#space = new WheelSpace(options, options.network)
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
  async servedMetadata({ place, metadata }: WheelLink): Promise<string | undefined> {
    if ('path' in place) return withWheel(place.path, (wheel) => wheel.metadata())
    if (metadata === undefined) return undefined
    const page = await fetchPage(this.#options.network, metadata.url, '*/*')
    if (page === undefined || metadata.sha256 === undefined) return page?.text
    const digest = createHash('sha256').update(page.text).digest('hex')
    return digest === metadata.sha256 ? page.text : undefined
  }

  /** As served, or out of the wheel, which is fetched then. `needed`: all wheels that are known to be needed with it. */
  async metadata(link: WheelLink, needed: readonly WheelLink[]): Promise<string> {
    const known = this.#metadata.get(link) ?? (await this.servedMetadata(link))
    const text = known ?? (await withWheel(await this.#obtain(link, needed), (wheel) => wheel.metadata()))
    this.#metadata.set(link, text)
    return text
  }

  /** All wheels, complete, with the SHA-256 that their indexes promise; nothing is fetched where not all have space. */
  async obtain(links: readonly WheelLink[]): Promise<LocalWheel[]> {
    const wheels: LocalWheel[] = []
    for (const link of links) wheels.push({ path: await this.#obtain(link, links), name: link.name })
    return wheels
  }

  /** Removes what was fetched of a wheel that will not be used. Does not fail: the refusal is what callers must hear. */
  async discard(link: WheelLink): Promise<void> {
    const path = 'path' in link.place ? link.place.path : this.#paths.get(link)
    if (path?.startsWith(`${this.#options.downloads}/`)) await rm(path, { force: true }).catch(() => {})
  }

  async #obtain(link: WheelLink, needed: readonly WheelLink[]): Promise<string> {
    const known = this.#paths.get(link)
    if (known !== undefined) return known
    await this.#space.requireForAll(needed)
    const path = await this.#fetch(link)
    this.#paths.set(link, path)
    return path
  }

  async #fetch(link: WheelLink): Promise<string> {
    const { place, name, sha256, size } = link
    const { network, allowUnverified, onProgress } = this.#options
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
    const target = downloadPath(link, this.#options)
    if (sha256 !== undefined && (await this.#digestOf(target)) === sha256) return target // of an earlier call
    await downloadFile({
      ...network,
      ...{ url: place.url, target, sha256, size },
      reserve: (bytesToCome, total) => this.#space.require(bytesToCome, total),
      onProgress: (received, total) => onProgress(name.file, received, total),
    })
    return target
  }

  /** undefined where there is no such file. */
  async #digestOf(path: string): Promise<string | undefined> {
    try {
      return await sha256OfFile(path, this.#options.network.signal)
    } catch (error) {
      if (fileErrorCode(error) === undefined) throw error
      return undefined // whatever it is: the download says what is wrong with the place
    }
  }

  async #verify(path: string, sha256: string): Promise<void> {
    const digest = await withDiskErrors(path, () => sha256OfFile(path, this.#options.network.signal))
    if (digest === sha256) return
    throw torchError('ERR_TORCH_CHECKSUM', `Expected the SHA-256 ${sha256} of ${path} but received ${digest}`)
  }
}
