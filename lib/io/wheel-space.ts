import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TorchError } from '../core/errors.js'
import { withDiskErrors } from './disk-error.js'
import { requireDiskSpace } from './disk-space.js'
import type { Network } from './network.js'
import type { WheelLink } from './wheel-link.js'

export interface WheelFolders {
  /** Where wheels are kept until they are unpacked. */
  downloads: string
  /** Where they will be unpacked. */
  unpackInto: string
}

/** torch and NVIDIA's libraries take two to three times the space of their wheels. */
const unpackedRatio = 2.5

/** Where a wheel is downloaded to. Other bytes under the same name must not be continued. */
export function downloadPath({ name, sha256 }: WheelLink, { downloads }: WheelFolders): string {
  return join(downloads, sha256?.slice(0, 16) ?? 'unverified', name.file)
}

/** What a server says of a file that it was not asked for; undefined where it says nothing, or refuses. */
async function contentLength({ client, signal }: Network, url: string): Promise<number | undefined> {
  try {
    const head = await client.head(url, { headers: { 'accept-encoding': 'identity' }, accept: [200], signal })
    return Number(head.header('content-length')) || undefined
  } catch (error) {
    if (error instanceof TorchError) return undefined
    throw error
  }
}

/** What of a wheel has been downloaded, by this process or an earlier one. */
async function bytesOnDisk(path: string): Promise<number> {
  const found = await Promise.all([path, `${path}.partial`].map((each) => stat(each).catch(() => undefined)))
  return found.reduce((sum, file) => sum + (file?.size ?? 0), 0)
}

/** Looks for the disk space of wheels, packed and unpacked. */
export class WheelSpace {
  readonly #folders: WheelFolders
  readonly #network: Network
  readonly #sizes = new Map<WheelLink, number>()

  constructor(folders: WheelFolders, network: Network) {
    this.#folders = folders
    this.#network = network
  }

  /** In bytes; 0 where nobody says: the download will look for itself. */
  async #size(link: WheelLink): Promise<number> {
    const { place, size } = link
    if ('path' in place) return (await withDiskErrors(place.path, () => stat(place.path))).size
    const known = size ?? this.#sizes.get(link) ?? (await contentLength(this.#network, place.url)) ?? 0
    this.#sizes.set(link, known)
    return known
  }

  /** ERR_TORCH_DISK where there is no space for `total` bytes of wheels, of which `bytesToCome` are still to come. */
  async require(bytesToCome: number, total: number): Promise<void> {
    const { downloads, unpackInto } = this.#folders
    await requireDiskSpace([
      { folder: downloads, bytes: bytesToCome },
      { folder: unpackInto, bytes: total * unpackedRatio },
    ])
  }

  /** The same for wheels together. One alone is looked at by its download, which is told its size anyway. */
  async requireForAll(links: readonly WheelLink[]): Promise<void> {
    if (links.length < 2) return
    let bytesToCome = 0
    let total = 0
    for (const link of links) {
      const size = await this.#size(link)
      if ('url' in link.place) bytesToCome += Math.max(0, size - (await bytesOnDisk(downloadPath(link, this.#folders))))
      total += size
    }
    await this.require(bytesToCome, total)
  }
}
