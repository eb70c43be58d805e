import { join } from 'node:path'
import type { FakeHub } from './fake-hub.js'
import { temporaryFolder } from './libtorch-folders.js'

/** A machine with an empty cache that knows this hub and no token; the cache is gone when the test ends. */
export function bareHub(hub: FakeHub): { cache: string; variables: Record<string, string | undefined> } {
  const home = temporaryFolder()
  const unset = [
    ...['HUGGINGFACE_HUB_CACHE', 'HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_TOKEN_PATH', 'HF_HUB_OFFLINE'],
    ...['TRANSFORMERS_OFFLINE', 'HF_HUB_DISABLE_SYMLINKS', 'HF_HUB_DISABLE_IMPLICIT_TOKEN', 'HF_HUB_DOWNLOAD_TIMEOUT'],
    ...['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'],
  ]
  const cache = join(home, 'hub')
  const variables = {
    ...Object.fromEntries(unset.map((name) => [name, undefined])),
    ...{ HF_ENDPOINT: hub.endpoint, HF_HOME: home, HF_HUB_CACHE: cache },
  }
  return { cache, variables }
}
