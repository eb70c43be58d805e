import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'

const extensions = new Set(['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.tif', '.tiff', '.gif'])

export interface ImageSearch {
  /** Lists paths, one per line, for the place '-'. */
  stdin: Readable
  signal: AbortSignal
  /** A folder, or stdin, that cannot be read; the search goes on without it. */
  onUnreadable(place: string, error: NodeJS.ErrnoException): void
}

/** Undefined where nothing can be looked at: whoever opens it says why. */
async function kindOf(path: string): Promise<'folder' | 'file' | 'other' | undefined> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return undefined
  return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'other'
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
      const kind = entry.isSymbolicLink() ? await kindOf(path) : entry.isFile() ? 'file' : 'other'
      if (kind === 'file' || kind === undefined) yield path
    }
  }
}

/** Sorted by code units, which no locale changes. */
async function readFolder(folder: string) {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function* linesOf(input: Readable): AsyncGenerator<string> {
  let rest = ''
  input.setEncoding('utf8')
  for await (const chunk of input) {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  yield rest
}

async function* placesOf(search: ImageSearch): AsyncGenerator<string> {
  const stdin = addAbortSignal(search.signal, search.stdin)
  try {
    for await (const line of linesOf(stdin)) {
      const place = line.replace(/\r$/, '')
      if (place !== '') yield place
    }
  } catch (error) {
    if (search.signal.aborted) throw search.signal.reason
    search.onUnreadable('standard input', error as NodeJS.ErrnoException)
  }
}

async function* imagesAt(place: string, search: ImageSearch): AsyncGenerator<string> {
  if ((await kindOf(place)) === 'folder') yield* imagesBelow(place, search)
  else yield place
}

/**
 * Paths of images, as they are asked for: files as they are named, whatever their extension; of folders those with the
 * extension of an image; for '-' those that stdin lists.
 */
export async function* imageFiles(places: readonly string[], search: ImageSearch): AsyncGenerator<string> {
  for (const place of places) {
    if (place !== '-') yield* imagesAt(place, search)
    else for await (const listed of placesOf(search)) yield* imagesAt(listed, search)
  }
}
