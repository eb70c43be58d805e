import { readdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import { pathKindIfKnown } from '../io/path-kind.js'
import { pipeImage } from './pipe-image.js'
import { stdinImages } from './stdin-images.js'

const extensions = new Set(['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.tif', '.tiff', '.gif'])

/** The path of an image, or its encoded bytes with the name of where they were read. */
export type FoundImage = Uint8Array | string

export interface ImageSearch {
  /** An image, or a list of paths, for the place '-'. */
  stdin: Readable
  signal: AbortSignal
  /** A folder, or '-', that cannot be read; the search goes on without it. */
  onUnreadable(place: string, error: NodeJS.ErrnoException): void
  /** Images are only counted: pipes and devices, which can be read once, stay their paths. */
  onlyCounts?: boolean
}

/** In the order of their names, all the way down; links to folders are not followed, so that it ends. */
async function* imagesBelow(folder: string, search: ImageSearch): AsyncGenerator<string> {
  let entries: Awaited<ReturnType<typeof readFolder>> = []
  try {
    entries = await readFolder(folder)
  } catch (error) {
    search.onUnreadable(folder, error as NodeJS.ErrnoException)
  }
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      yield* imagesBelow(path, search)
    } else if (extensions.has(extname(entry.name).toLowerCase())) {
      const kind = entry.isSymbolicLink() ? await pathKindIfKnown(path) : entry.isFile() ? 'file' : 'other'
      if (kind === 'file' || kind === undefined) yield path
    }
  }
}

/** Sorted by code units, which no locale changes. */
async function readFolder(folder: string) {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** What there is, up to where it cannot be read. */
async function* imagesOfStdin({ stdin, signal, onUnreadable }: ImageSearch): AsyncGenerator<FoundImage> {
  try {
    yield* stdinImages(addAbortSignal(signal, stdin))
  } catch (error) {
    if (signal.aborted) throw signal.reason
    onUnreadable('-', error as NodeJS.ErrnoException)
  }
}

/** Its bytes, or its path where they cannot be read: whoever opens that says so in its place. */
async function imageOfPipe(place: string, kind: 'pipe' | 'device', { signal }: ImageSearch): Promise<FoundImage> {
  try {
    return await pipeImage(place, kind, signal)
  } catch {
    if (signal.aborted) throw signal.reason
    return place
  }
}

async function* imagesAt(place: string, search: ImageSearch): AsyncGenerator<FoundImage> {
  const kind = await pathKindIfKnown(place)
  if (kind === 'folder') yield* imagesBelow(place, search)
  else if ((kind === 'pipe' || kind === 'device') && !search.onlyCounts) yield await imageOfPipe(place, kind, search)
  else yield place
}

/**
 * Images as they are asked for: files by their paths as they are named, whatever their extension; the bytes of pipes and
 * devices; of folders those with the extension of an image; for '-' those that stdin lists, or the bytes of the one that
 * it is.
 */
export async function* imageFiles(places: readonly string[], search: ImageSearch): AsyncGenerator<FoundImage> {
  for (const place of places) {
    if (place !== '-') yield* imagesAt(place, search)
    else
      for await (const found of imagesOfStdin(search)) {
        if (typeof found === 'string') yield* imagesAt(found, search)
        else yield found
      }
  }
}
