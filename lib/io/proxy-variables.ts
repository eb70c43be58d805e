import { environmentVariable } from '../core/environment.js'
import { invalidArgument } from '../core/errors.js'
import { percentDecoded } from './percent-decoded.js'
import { redactedUrl } from './redacted-url.js'

/** Addresses of proxies; '' for none. */
export interface Proxies {
  httpProxy: string
  httpsProxy: string
}

const protocols = ['http:', 'https:', 'socks:', 'socks5:']

/** A name or password as an address holds it, whether its '%' was written as '%25' or as it is. */
const encoded = (text: string) => encodeURIComponent(percentDecoded(text))

/** As curl reads it: 'host:3128' is an http proxy. */
function proxyAddress(name: string): string | undefined {
  const text = environmentVariable(name)
  if (text === undefined) return undefined
  const address = text.includes('://') ? text : `http://${text}`
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || url.hostname === '' || !protocols.includes(url.protocol)) {
    throw invalidArgument(name, "a proxy's address, such as http://host:3128,", redactedUrl(address))
  }
  url.username = encoded(url.username)
  url.password = encoded(url.password)
  return url.href
}

const first = (...names: string[]) => names.map(proxyAddress).find((address) => address !== undefined) ?? ''

/**
 * http_proxy, https_proxy and their names in capitals; the first proxy serves https too where the second is not set.
 * ERR_TORCH_INVALID_ARGUMENT, which names the variable and shows no password.
 */
export function proxyVariables(): Proxies {
  const httpProxy = first('http_proxy', 'HTTP_PROXY')
  return { httpProxy, httpsProxy: first('https_proxy', 'HTTPS_PROXY') || httpProxy }
}
