import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { invalidArgument } from '../core/errors.js'
import { fileErrorCode, withDiskErrors } from './disk-error.js'
import { fetchPage, type Network } from './network.js'
import { redactedUrl } from './redacted-url.js'
import { parseHtmlIndex, parseJsonIndex } from './simple-index.js'
import { localLink, type WheelLink } from './wheel-link.js'

/**
 * Where wheels are listed. 'index': the address of an index of PEP 503 or 691, http(s) or file. 'page': the address of
 * one page of links. 'path': a folder of wheels, or one wheel.
 */
export interface WheelSource {
  kind: 'index' | 'page' | 'path'
  at: string
}

const acceptedPages =
  'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1, */*;q=0.01'

/** The path that a file address names; undefined for a file of another machine, or what cannot be a path. */
function filePath(address: string): string | undefined {
  try {
    const path = fileURLToPath(address)
    return path.includes('\0') ? undefined : path
  } catch {
    return undefined
  }
}

const isWebAddress = (text: string) => /^https?:/i.test(text) && URL.canParse(text)

/** The address of an index. ERR_TORCH_INVALID_ARGUMENT for anything else; the text itself may hold a password. */
export function indexSource(address: string, name: string): WheelSource {
  if (isWebAddress(address) || filePath(address) !== undefined) return { kind: 'index', at: address }
  throw invalidArgument(name, 'an http, https or local file address of a package index', redactedUrl(address))
}

/**
 * A value of pip's find-links: a page's address, or a path or file address of a folder, a wheel or a page.
 * ERR_TORCH_INVALID_ARGUMENT for anything else.
 */
export function linksSource(text: string, name: string): WheelSource {
  if (isWebAddress(text)) return { kind: 'page', at: text }
  const path = /^(https?|file):/i.test(text) ? filePath(text) : resolve(text)
  if (path === undefined || path.includes('\0')) {
    throw invalidArgument(name, 'a local folder or wheel, or the address of a page of links,', redactedUrl(text))
  }
  return /\.html?$/i.test(path) ? { kind: 'page', at: pathToFileURL(path).href } : { kind: 'path', at: path }
}

/** As messages show it. */
export function describeSource({ kind, at }: WheelSource): string {
  return kind === 'path' ? at : redactedUrl(at)
}

const folderWheels = async (folder: string) =>
  (await readdir(folder)).flatMap((name) => localLink(join(folder, name)) ?? [])

/** Beside a wheel that was named lie those that it requires. */
async function pathWheels(path: string): Promise<WheelLink[]> {
  return withDiskErrors(path, async () => {
    if (!(await stat(path)).isFile()) return folderWheels(path)
    const named = localLink(path)
    if (named === undefined) throw invalidArgument('a wheel', 'the path of a .whl file or a folder of them', path)
    const beside = await folderWheels(dirname(path))
    return [named, ...beside.filter(({ name }) => name.project !== named.name.project)]
  })
}

/** A page on disk; its links of the disk too become paths. */
async function filePage(url: string): Promise<WheelLink[]> {
  const path = fileURLToPath(url)
  let text: string
  try {
    text = await withDiskErrors(path, () => readFile(path, 'utf8'))
  } catch (error) {
    if (error instanceof Error && fileErrorCode(error.cause) === 'ENOENT') return []
    throw error
  }
  return parseHtmlIndex(text, url).flatMap((link) => {
    if (!('url' in link.place) || !link.place.url.startsWith('file:')) return link
    const linked = filePath(link.place.url)
    return linked === undefined ? [] : { ...link, place: { path: linked } }
  })
}

async function webPage(url: string, network: Network): Promise<WheelLink[]> {
  const page = await fetchPage(network, url, acceptedPages)
  if (page === undefined) return []
  const isJson = /[/+]json\b/i.test(page.contentType)
  const links = isJson ? parseJsonIndex(page.text, page.url) : parseHtmlIndex(page.text, page.url)
  return links.filter(({ place }) => 'url' in place && !place.url.startsWith('file:'))
}

/** All wheels of a project that a source has; none where it does not know the project. */
export async function listWheels(source: WheelSource, project: string, network: Network): Promise<WheelLink[]> {
  const { kind, at } = source
  let links: WheelLink[]
  if (kind === 'path') links = await pathWheels(at)
  else {
    const folder = at.endsWith('/') ? at : `${at}/`
    const page = kind === 'page' ? at : new URL(`${project}/`, folder).href
    if (!page.startsWith('file:')) links = await webPage(page, network)
    else links = await filePage(kind === 'page' ? page : new URL('index.html', page).href)
  }
  return links.filter(({ name }) => name.project === project)
}
