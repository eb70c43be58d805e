import { readdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import { pathKindIfKnown } from '../io/path-kind.js'
import { type FromStdin, stdinImages } from './stdin-images.js'

const extensions = new Set(['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.tif', '.tiff', '.gif'])

export interface ImageSearch {
  /** An image, or a list of paths, for the place '-'. */
  stdin: Readable
  signal: AbortSignal
  /** A folder, or stdin, that cannot be read; the search goes on without it. */
  onUnreadable(place: string, error: NodeJS.ErrnoException): void
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

async function* placesOf(search: ImageSearch): AsyncGenerator<FromStdin> {
  const stdin = addAbortSignal(search.signal, search.stdin)
  try {
    yield* stdinImages(stdin)
  } catch (error) {
    if (search.signal.aborted) throw search.signal.reason
    search.onUnreadable('standard input', error as NodeJS.ErrnoException)
  }
}

async function* imagesAt(place: string, search: ImageSearch): AsyncGenerator<string> {
  if ((await pathKindIfKnown(place)) === 'folder') yield* imagesBelow(place, search)
  else yield place
}

/**
 * Images as they are asked for: files by their paths as they are named, whatever their extension; of folders those with
 * the extension of an image; for '-' those that stdin lists, or the bytes of the one that it is.
 */
export async function* imageFiles(places: readonly string[], search: ImageSearch): AsyncGenerator<FromStdin> {
  for (const place of places) {
    if (place !== '-') yield* imagesAt(place, search)
    else
      for await (const found of placesOf(search)) {
        if (typeof found === 'string') yield* imagesAt(found, search)
        else yield found
      }
  }
}
