import { execFile } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { findInHubCache, isHubBlob } from '../../lib/io/hub-cache.js'
import { hubCacheFolder } from '../../lib/io/hub-environment.js'
import { oraclePython } from '../support/golden-modules.js'
import { temporaryFolder, writeFile } from '../support/libtorch-folders.js'

const variables = ['HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_HOME', 'XDG_CACHE_HOME']
const commit = '0123456789abcdef0123456789abcdef01234567'

beforeEach(() => {
  for (const name of variables) vi.stubEnv(name, undefined)
})
afterEach(() => vi.unstubAllEnvs())

async function python(program: string, environment: Record<string, string> = {}): Promise<unknown> {
  const env = { ...process.env, ...environment }
  const { stdout } = await promisify(execFile)(oraclePython, ['-B', '-c', `import json\n${program}`], { env })
  return JSON.parse(stdout)
}

test('the folder is the one that Python takes', { timeout: 120_000 }, async () => {
  const environments: Record<string, string>[] = [
    {},
    { XDG_CACHE_HOME: '/x/cache' },
    { HF_HOME: '/hf', XDG_CACHE_HOME: '/x/cache' },
    { HUGGINGFACE_HUB_CACHE: '/old', HF_HOME: '/hf' },
    { HF_HUB_CACHE: '/new', HUGGINGFACE_HUB_CACHE: '/old', HF_HOME: '/hf' },
    { HF_HOME: '~/hf' },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable as a shell writes it
    { HF_HUB_CACHE: '$HOME/a/${HOME}b/$MISSING_HERE' },
  ]
  for (const environment of environments) {
    vi.unstubAllEnvs()
    for (const name of variables) vi.stubEnv(name, environment[name])
    const folder = await python('from huggingface_hub import constants\nprint(json.dumps(constants.HF_HUB_CACHE))')
    expect(hubCacheFolder(), JSON.stringify(environment)).toBe(folder)
  }
  vi.stubEnv('HF_HUB_CACHE', '')
  vi.stubEnv('HF_HOME', '')
  vi.stubEnv('HUGGINGFACE_HUB_CACHE', '')
  vi.stubEnv('XDG_CACHE_HOME', '')
  expect(hubCacheFolder()).toBe(join(homedir(), '.cache', 'huggingface', 'hub'))
})

/** A cache as Python leaves it. */
function makeCache(): string {
  const cache = temporaryFolder()
  vi.stubEnv('HF_HUB_CACHE', cache)
  const repository = join(cache, 'models--timm--resnet18.a1_in1k')
  writeFile(join(repository, 'refs', 'main'), commit)
  writeFile(join(repository, 'refs', 'newline'), `${commit}\n`)
  writeFile(join(repository, 'refs', 'refs', 'pr', '1'), commit)
  writeFile(join(repository, 'refs', 'gone'), 'f'.repeat(40))
  writeFile(join(repository, 'refs', 'evil'), '../../..')
  const blob = writeFile(join(repository, 'blobs', 'abc'), 'weights')
  for (const name of ['model.safetensors', 'unet/config.json']) {
    const link = join(repository, 'snapshots', commit, name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(blob, link)
  }
  symlinkSync('../../blobs/missing', join(repository, 'snapshots', commit, 'broken.bin'))
  writeFile(join(cache, 'models--gpt2', 'snapshots', commit, 'config.json'), '{}')
  return cache
}

test('finds and does not find what Python does', { timeout: 120_000 }, async () => {
  const cache = makeCache()
  const repository = 'timm/resnet18.a1_in1k'
  const asked: [string, string, string][] = [
    [repository, 'model.safetensors', 'main'],
    [repository, 'unet/config.json', 'main'],
    [repository, 'model.safetensors', commit],
    [repository, 'model.safetensors', 'refs/pr/1'],
    [repository, 'model.safetensors', 'gone'],
    [repository, 'model.safetensors', 'no-such-branch'],
    [repository, 'missing.safetensors', 'main'],
    [repository, 'broken.bin', 'main'],
    [repository, 'unet', 'main'],
    [repository, 'model.safetensors/x', 'main'],
    ['gpt2', 'config.json', commit],
    ['gpt2', 'config.json', 'main'],
    ['nobody/nothing', 'config.json', 'main'],
  ]
  const found = await python(
    `
from huggingface_hub import try_to_load_from_cache
asked = ${JSON.stringify(asked)}
print(json.dumps([try_to_load_from_cache(repo, file, revision=revision) for repo, file, revision in asked]))`,
  )
  const ours = asked.map(([repo, file, revision]) => findInHubCache(repo, file, { revision }))
  expect((await Promise.all(ours)).map((path) => path ?? null)).toEqual(found)
  const snapshot = join(cache, 'models--timm--resnet18.a1_in1k', 'snapshots', commit)
  expect(await findInHubCache(repository, 'model.safetensors')).toBe(join(snapshot, 'model.safetensors'))
  // Python would look for a folder with a newline in its name.
  const withNewline = findInHubCache(repository, 'model.safetensors', { revision: 'newline' })
  expect(await withNewline).toBe(join(snapshot, 'model.safetensors'))
  expect(await findInHubCache(repository, 'model.safetensors', { revision: 'evil' })).toBeUndefined()
})

describe('names that could lead elsewhere are refused:', () => {
  test.each(['', '/', '../x', 'a/../b', 'a//b', '/etc/passwd', './a', 'a/', 'a\\b', 'a\0b', 5, null])(
    '%j',
    async (name) => {
      makeCache()
      const refused = { code: 'ERR_TORCH_INVALID_ARGUMENT' }
      await expect(findInHubCache('gpt2', name as string)).rejects.toMatchObject(refused)
      await expect(findInHubCache(name as string, 'config.json')).rejects.toMatchObject(refused)
      await expect(findInHubCache('gpt2', 'config.json', { revision: name as string })).rejects.toMatchObject(refused)
    },
  )

  test.each(['a/b/c', 'a--b', 'org/..', '..', 'a b', 'x'.repeat(97), 'org/'])('repository %j', async (repoId) => {
    makeCache()
    await expect(findInHubCache(repoId, 'x')).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
  })
})

test('only what lies among the blobs behind its links is a blob', async () => {
  const cache = makeCache()
  const repository = join(cache, 'models--timm--resnet18.a1_in1k')
  expect(await isHubBlob(join(repository, 'snapshots', commit, 'model.safetensors'))).toBe(true)
  expect(await isHubBlob(join(repository, 'blobs', 'abc'))).toBe(true)
  expect(await isHubBlob(join(repository, 'refs', 'main'))).toBe(false)
  expect(await isHubBlob(join(repository, 'snapshots', commit, 'broken.bin'))).toBe(false)
  expect(await isHubBlob(join(cache, 'models--gpt2', 'snapshots', commit, 'config.json'))).toBe(false)
  const outside = join(temporaryFolder(), 'x')
  writeFileSync(outside, '')
  symlinkSync(outside, join(repository, 'blobs', 'elsewhere'))
  expect(await isHubBlob(join(repository, 'blobs', 'elsewhere'))).toBe(false)
})
