import { type HttpClient, readText } from './http-client.js'
import { redactedUrl } from './redacted-url.js'
import { type RetryPolicy, withRetries } from './retry.js'

/** How a piece of work talks to servers. */
export interface Network {
  client: HttpClient
  retry: RetryPolicy
  onRetry?: (reason: string, seconds: number) => void
  signal: AbortSignal
}

/** The index page of a very long project, such as torch's own with all its builds, has 3 MB. */
const largestPage = 64 * 2 ** 20

export interface TextPage {
  text: string
  /** After redirects. */
  url: string
  contentType: string
}

/** A page, or undefined where the server says that there is none (404, 410). */
export async function fetchPage(network: Network, url: string, accept: string): Promise<TextPage | undefined> {
  const { client, retry, onRetry, signal } = network
  return withRetries({ ...retry, subject: redactedUrl(url), onRetry, signal }, async () => {
    const response = await client.get(url, { headers: { accept }, accept: [200, 404, 410], signal })
    const text = await readText(response, largestPage, signal)
    if (response.status !== 200) return undefined
    return { text, url: response.url, contentType: response.header('content-type') ?? '' }
  })
}
