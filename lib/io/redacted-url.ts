import { percentDecoded } from './percent-decoded.js'

/** An address as messages may show it: user names, passwords, tokens in the query and fragments are left out. */
export function redactedUrl(address: string | URL): string {
  if (!URL.canParse(String(address))) return 'an address that cannot be parsed'
  const url = new URL(address)
  if (url.protocol === 'file:') return url.host === '' ? percentDecoded(url.pathname) : url.href
  return `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?...'}`
}
