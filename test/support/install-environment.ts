import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { addonMinors } from '../../lib/core/addon-files.js'
import { temporaryFolder } from './libtorch-folders.js'

/** The newest libtorch minor that this build has an addon for. */
export const minor = addonMinors()[0] ?? 'none'

/** A machine with an empty cache on which nothing tells where wheels are; the cache is gone when the test ends. */
export function bareEnvironment(): { cache: string; variables: Record<string, string | undefined> } {
  const home = temporaryFolder()
  const unset = [
    ...['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'NODE_LIBTORCH_INDEX', 'NODE_LIBTORCH_PATH'],
    ...['PIP_FIND_LINKS', 'PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL', 'PIP_NO_INDEX', 'PIP_CERT', 'VIRTUAL_ENV'],
  ]
  const variables = {
    ...Object.fromEntries(unset.map((name) => [name, undefined])),
    PIP_CONFIG_FILE: '/dev/null',
    HOME: home,
    XDG_CACHE_HOME: home,
  }
  return { cache: join(home, 'node-libtorch'), variables }
}

/** What is in the cache, downloads too; sorted paths of files relative to it. */
export function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}
