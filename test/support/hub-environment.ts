import { join } from 'node:path'
import { beforeEach, vi } from 'vitest'
import { type FakeHub, type HubContent, startFakeHub } from './fake-hub.js'
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

export interface HubScene {
  server: FakeHub
  cache: string
  /** The folder of the hub's repository in the cache. */
  repository: string
  /** The path of a file in the snapshot of the hub's commit. */
  snapshotFile(name: string): string
  /** The machine's environment variables, for child processes. */
  variables: Record<string, string | undefined>
}

/** Before each test of a file: a hub that serves `contents`, and a machine that knows no other and has an empty cache. */
export function hubForEachTest(...contents: HubContent[]): HubScene {
  const scene = {} as HubScene
  beforeEach(async () => {
    const server = await startFakeHub(...contents)
    const { cache, variables } = bareHub(server)
    const repository = join(cache, `models--${server.repository.replace('/', '--')}`)
    const snapshotFile = (name: string) => join(repository, 'snapshots', server.commit, name)
    Object.assign(scene, { server, cache, repository, snapshotFile, variables })
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
    return () => vi.unstubAllEnvs()
  })
  return scene
}

/** Options of calls that are to fail soon. */
export const quick = { retries: 2, retryDelaySeconds: 0.01, timeoutSeconds: 2 }
