// One cache, two clients: huggingface_hub and ours, against the same hub.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, test } from 'vitest'
import { hub } from '../../lib/io/hub.js'
import { findInHubCache } from '../../lib/io/hub-cache.js'
import type { HubContent } from '../support/fake-hub.js'
import { oraclePython } from '../support/golden-modules.js'
import { hubForEachTest } from '../support/hub-environment.js'
import { filesIn } from '../support/install-environment.js'

const contents: HubContent[] = [
  { name: 'config.json', bytes: Buffer.from('{}'), large: false },
  { name: 'unet/a.txt', bytes: Buffer.from('unet'), large: false },
  { name: 'unet/model.safetensors', bytes: randomBytes(100_000), large: true },
]

const here = hubForEachTest(...contents)

async function python(program: string, variables: Record<string, string> = {}): Promise<unknown> {
  const source = `import json\nfrom huggingface_hub import *\n${program}`
  const env = { ...process.env, ...here.variables, ...variables, HF_HUB_DISABLE_TELEMETRY: '1' }
  const { stdout } = await promisify(execFile)(oraclePython, ['-B', '-c', source], { env })
  return JSON.parse(stdout)
}

const slow = { timeout: 120_000 }
const path = (name: string) => join(here.cache, 'models--timm--tiny', 'snapshots', here.server.commit, name)
const names = contents.map(({ name }) => name)

test('what Python fetched we find, online without fetching, offline without asking', slow, async () => {
  const program = `
paths = [hf_hub_download("timm/tiny", name) for name in ${JSON.stringify(names.slice(1))}]
print(json.dumps(paths))`
  expect(await python(program)).toEqual(names.slice(1).map(path))
  here.server.requests.length = 0
  for (const name of names.slice(1)) {
    expect(await findInHubCache('timm/tiny', name)).toBe(path(name))
    expect(await hub.file('timm/tiny', name, { offline: true })).toBe(path(name))
  }
  expect(here.server.requests).toEqual([])
  for (const name of names.slice(1)) expect(await hub.file('timm/tiny', name)).toBe(path(name))
  expect(here.server.requests.every(({ method }) => method === 'HEAD')).toBe(true)
  await hub.snapshot('timm/tiny')
  expect(here.server.requests.filter(({ host }) => host === 'cdn')).toEqual([])
  expect(here.server.downloads('config.json')).toHaveLength(1)
})

test('what we fetched Python finds, online without fetching, offline without asking', slow, async () => {
  const folder = await hub.snapshot('timm/tiny')
  here.server.requests.length = 0
  const program = `
from huggingface_hub import try_to_load_from_cache
paths = [try_to_load_from_cache("timm/tiny", name) for name in ${JSON.stringify(names)}]
downloaded = [hf_hub_download("timm/tiny", name) for name in ${JSON.stringify(names)}]
print(json.dumps([paths, downloaded, snapshot_download("timm/tiny")]))`
  const expected = [names.map(path), names.map(path), folder]
  expect(await python(program, { HF_HUB_OFFLINE: '1' })).toEqual(expected)
  expect(here.server.requests).toEqual([])
  expect(await python(program)).toEqual(expected)
  expect(
    here.server.requests.filter(({ method, path }) => method === 'GET' && /\/(tree|resolve)\//.test(path)),
  ).toEqual([])
  const tree = await python(`
files = get_cached_repo_tree("timm/tiny")
print(json.dumps(sorted([f.path, f.size, f.blob_id] for f in files)))`)
  expect(tree).toHaveLength(3)
})

test("a snapshot of Python's is a snapshot of ours, file for file", slow, async () => {
  await python('print(json.dumps(snapshot_download("timm/tiny")))')
  const theirs = filesIn(here.cache).filter((file) => !file.startsWith('.locks'))
  const texts = theirs.map((file) => readFileSync(join(here.cache, file), 'latin1'))
  here.server.requests.length = 0
  await hub.snapshot('timm/tiny')
  expect(here.server.requests.map(({ path }) => path)).toEqual(['/api/models/timm/tiny/revision/main'])
  rmSync(here.cache, { recursive: true })
  await hub.snapshot('timm/tiny')
  const ours = filesIn(here.cache).filter((file) => !file.startsWith('.locks'))
  expect(ours).toEqual(theirs)
  expect(ours.map((file) => readFileSync(join(here.cache, file), 'latin1'))).toEqual(texts)
})

test('Python counts and verifies our cache as its own', slow, async () => {
  await hub.snapshot('timm/tiny')
  const scanned = await python(`
info = scan_cache_dir()
[repo] = info.repos
verified = HfApi().verify_repo_checksums("timm/tiny")
print(json.dumps([repo.repo_id, repo.nb_files, len(info.warnings), sorted(list(repo.refs)), len(verified.mismatches)]))`)
  expect(scanned).toEqual(['timm/tiny', 3, 0, ['main'], 0])
})

describe.each(['dataset', 'space'] as const)('a %s', (type) => {
  const folder = () => join(here.cache, `${type}s--timm--tiny`, 'snapshots', here.server.commit)
  const inRepository = (name: string) => join(folder(), name)
  beforeEach(() => {
    here.server.type = type
  })

  test('that Python fetched we find', slow, async () => {
    expect(await python(`print(json.dumps(snapshot_download("timm/tiny", repo_type="${type}")))`)).toBe(folder())
    here.server.requests.length = 0
    for (const name of names) {
      expect(await findInHubCache('timm/tiny', name, { type })).toBe(inRepository(name))
      expect(await findInHubCache('timm/tiny', name)).toBeUndefined()
      expect(await hub.file('timm/tiny', name, { type, offline: true })).toBe(inRepository(name))
    }
    expect(await hub.snapshot('timm/tiny', { type, offline: true })).toBe(folder())
    expect(here.server.requests).toEqual([])
    expect(await hub.snapshot('timm/tiny', { type })).toBe(folder())
    expect(here.server.requests.map(({ path }) => path)).toEqual([`/api/${type}s/timm/tiny/revision/main`])
  })

  test('that we fetched Python finds, and counts and verifies as its own', slow, async () => {
    expect(await hub.file('timm/tiny', 'config.json', { type })).toBe(inRepository('config.json'))
    expect(await hub.snapshot('timm/tiny', { type })).toBe(folder())
    here.server.requests.length = 0
    const options = `"timm/tiny", repo_type="${type}"`
    const program = (last: string) => `
files = [hf_hub_download("timm/tiny", name, repo_type="${type}") for name in ${JSON.stringify(names)}]
print(json.dumps([files, snapshot_download(${options}), ${last}]))`
    const offline = program('[(r.repo_type, r.repo_id, r.nb_files) for r in scan_cache_dir().repos]')
    const expected = [names.map(inRepository), folder()]
    expect(await python(offline, { HF_HUB_OFFLINE: '1' })).toEqual([...expected, [[type, 'timm/tiny', 3]]])
    expect(here.server.requests).toEqual([])
    const online = program(`len(HfApi().verify_repo_checksums(${options}).mismatches)`)
    expect(await python(online)).toEqual([...expected, 0])
    expect(here.server.downloads('unet/model.safetensors')).toEqual([])
  })
})

test('a missing file is noted as Python notes it', slow, async () => {
  await expect(hub.file('timm/tiny', 'missing.json')).rejects.toMatchObject({ code: 'ERR_TORCH_HUB_NOT_FOUND' })
  await hub.file('timm/tiny', 'config.json')
  const program = `
from huggingface_hub import try_to_load_from_cache, _CACHED_NO_EXIST
print(json.dumps(try_to_load_from_cache("timm/tiny", "missing.json") is _CACHED_NO_EXIST))`
  expect(await python(program)).toBe(true)
})
