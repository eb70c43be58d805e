// Which weights a model maps, and which it reads: a mapped file that somebody truncates ends the process.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { scope } from '../../lib/core/scope.js'
import { ImageClassifier } from '../../lib/models/index.js'
import { expectNoLeaks } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { efficientnetLite0 } from '../support/sample-photos.js'

expectNoLeaks()
afterEach(() => vi.unstubAllEnvs())

function copyModelTo(folder: string): string {
  mkdirSync(folder, { recursive: true })
  for (const name of ['config.json', 'model.safetensors']) {
    copyFileSync(join(efficientnetLite0.weights, name), join(folder, name))
  }
  return folder
}

/** Whether the weights of the folder are in memory as they lie on the disk once `source` is loaded from it. */
function isMapped(folder: string, source: string, options: { mmap?: boolean }): Promise<boolean> {
  return scope(async () => {
    const model = await ImageClassifier.load(source, { optimize: 'none', ...options })
    expect(model.architecture).toBe('tf_efficientnet_lite0')
    return readFileSync('/proc/self/maps', 'utf8').includes(join(folder, 'model.safetensors'))
  })
}

describe('the weights of', () => {
  test.each([
    ['a folder are read', {}, false],
    ['a folder are mapped where that is asked for', { mmap: true }, true],
  ])('%s', async (_, options, mapped) => {
    const folder = copyModelTo(temporaryFolder())
    expect(await isMapped(folder, folder, options)).toBe(mapped)
  })

  test.each([
    ["the package's own cache are read: people copy files there", {}, false],
    ["the package's own cache are mapped where that is asked for", { mmap: true }, true],
  ])('%s', async (_, options, mapped) => {
    const cache = temporaryFolder()
    vi.stubEnv('XDG_CACHE_HOME', cache)
    const folder = copyModelTo(join(cache, 'node-libtorch', 'models', 'tf_efficientnet_lite0'))
    expect(await isMapped(folder, 'tf_efficientnet_lite0', options)).toBe(mapped)
  })
})
