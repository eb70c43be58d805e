import { torchError } from '../core/errors.js'
import { percentDecoded } from './percent-decoded.js'
import { redactedUrl } from './redacted-url.js'
import type { WheelLink } from './wheel-link.js'
import { parseWheelName } from './wheel-name.js'

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hexadecimal, name) => {
    if (name !== undefined) return entities[name.toLowerCase()] ?? whole
    const code = decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}

function attributesOf(tag: string): Map<string, string> {
  const pairs = tag.matchAll(/([\w:-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)
  return new Map(
    [...pairs].map(([, name = '', double, single, bare]) => [
      name.toLowerCase(),
      decodeEntities(double ?? single ?? bare ?? ''),
    ]),
  )
}

function lastPart({ pathname }: URL): string {
  return percentDecoded(pathname.split('/').at(-1) ?? '')
}

const sha256Of = (text: unknown) => /(?:^|[=\s])sha256=([0-9a-f]{64})/i.exec(String(text))?.[1]?.toLowerCase()

/** A wheel's address: within the index's own origin the index's credentials hold too. */
function wheelAddress(href: string, base: URL): URL | undefined {
  if (!URL.canParse(href, base.href)) return undefined
  const url = new URL(href, base)
  if (!['http:', 'https:', 'file:'].includes(url.protocol)) return undefined
  if (url.origin === base.origin && url.username === '') [url.username, url.password] = [base.username, base.password]
  return url
}

function linkOf(file: string, url: URL, rest: Partial<WheelLink>): WheelLink | undefined {
  const name = parseWheelName(file)
  if (name === undefined) return undefined
  const bare = new URL(url)
  bare.hash = ''
  const place = { url: bare.href }
  return { sha256: undefined, size: undefined, metadata: undefined, yanked: false, ...rest, name, place }
}

/** The wheels of a page of links: a project's page of PEP 503, or any page that pip's find-links takes. */
export function parseHtmlIndex(html: string, pageUrl: string): WheelLink[] {
  const page = html.replace(/<!--[\s\S]*?-->/g, '')
  const baseHref = attributesOf(/<base\s([^>]*)>/i.exec(page)?.[1] ?? '').get('href')
  const base = (baseHref === undefined ? undefined : wheelAddress(baseHref, new URL(pageUrl))) ?? new URL(pageUrl)
  return [...page.matchAll(/<a\s((?:"[^"]*"|'[^']*'|[^>"'])*)>/gi)].flatMap(([, tag = '']) => {
    const attributes = attributesOf(tag)
    const url = wheelAddress(attributes.get('href') ?? '', base)
    if (url === undefined) return []
    const core = attributes.get('data-core-metadata') ?? attributes.get('data-dist-info-metadata')
    const link = linkOf(lastPart(url), url, {
      sha256: sha256Of(url.hash.slice(1)),
      yanked: attributes.has('data-yanked'),
      metadata: core === undefined ? undefined : { url: metadataUrl(url), sha256: sha256Of(core) },
    })
    return link ?? []
  })
}

function metadataUrl(url: URL): string {
  const metadata = new URL(url)
  metadata.hash = ''
  metadata.pathname += '.metadata'
  return metadata.href
}

interface JsonFile {
  filename?: unknown
  url?: unknown
  hashes?: { sha256?: unknown }
  size?: unknown
  yanked?: unknown
  'core-metadata'?: boolean | { sha256?: unknown }
  'dist-info-metadata'?: boolean | { sha256?: unknown }
}

const digest = (value: unknown) =>
  typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value) ? value.toLowerCase() : undefined

/** The wheels of a project's page of PEP 691. ERR_TORCH_DOWNLOAD for what is no such page. */
export function parseJsonIndex(text: string, pageUrl: string): WheelLink[] {
  let files: unknown
  try {
    files = JSON.parse(text).files
  } catch (cause) {
    throw torchError('ERR_TORCH_DOWNLOAD', `Expected JSON from ${redactedUrl(pageUrl)} but it cannot be parsed`, {
      cause,
    })
  }
  if (!Array.isArray(files)) {
    throw torchError('ERR_TORCH_DOWNLOAD', `Expected a list of files from ${redactedUrl(pageUrl)} but there is none`)
  }
  return files.flatMap((file: JsonFile | null) => {
    const url = wheelAddress(String(file?.url ?? ''), new URL(pageUrl))
    if (url === undefined || file === null || typeof file.filename !== 'string') return []
    const core = file['core-metadata'] ?? file['dist-info-metadata'] ?? false
    const coreSha256 = typeof core === 'object' ? digest(core?.sha256) : undefined
    const link = linkOf(file.filename, url, {
      sha256: digest(file.hashes?.sha256),
      size: Number.isSafeInteger(file.size) ? (file.size as number) : undefined,
      yanked: file.yanked !== undefined && file.yanked !== false,
      metadata: core === false ? undefined : { url: metadataUrl(url), sha256: coreSha256 },
    })
    return link ?? []
  })
}
