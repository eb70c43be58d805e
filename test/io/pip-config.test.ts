import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { chooseSources } from '../../lib/io/libtorch-sources.js'
import { parsePipConfig, pipConfiguration, pipEnvironment } from '../../lib/io/pip-config.js'
import { describeSource } from '../../lib/io/wheel-source.js'
import { temporaryFolder, writeFile } from '../support/libtorch-folders.js'

let home: string

beforeEach(() => {
  home = temporaryFolder()
  for (const name of ['FIND_LINKS', 'INDEX_URL', 'EXTRA_INDEX_URL', 'NO_INDEX', 'CERT', 'CONFIG_FILE'])
    vi.stubEnv(`PIP_${name}`, undefined)
  for (const name of ['NODE_LIBTORCH_INDEX', 'VIRTUAL_ENV']) vi.stubEnv(name, undefined)
  vi.stubEnv('HOME', home)
  vi.stubEnv('XDG_CONFIG_HOME', join(home, 'user'))
  vi.stubEnv('XDG_CONFIG_DIRS', `${join(home, 'system-1')}:${join(home, 'system-2')}`)
})
afterEach(() => vi.unstubAllEnvs())

test('pip.conf is read as configparser reads it', () => {
  const text = `
; a comment
[global]
Index_URL: https://one/simple
find-links =
    /a
    # not a value
    /b
timeout = 60
[list]
index-url = https://no/
[download]
index-url = https://two/simple  
`
  const sections = [...parsePipConfig(text)].map(([name, values]) => [name, Object.fromEntries(values)])
  expect(Object.fromEntries(sections)).toEqual({
    global: { 'index-url': 'https://one/simple', 'find-links': ' /a /b', timeout: '60' },
    list: { 'index-url': 'https://no/' },
    download: { 'index-url': 'https://two/simple' },
  })
})

test('all places of the configuration count, the more personal ones more', async () => {
  writeFile(join(home, 'system-1', 'pip', 'pip.conf'), '[global]\nindex-url = https://system/\ncert = /no.pem\n')
  const user = '[global]\nindex-url = https://me:s3cret@user/simple\ncert = /ca.pem\n'
  writeFile(join(home, 'user', 'pip', 'pip.conf'), user)
  writeFile(join(home, 'venv', 'pip.conf'), '[download]\nextra-index-url = https://extra/ file:///disk/simple\n')
  vi.stubEnv('VIRTUAL_ENV', join(home, 'venv'))
  const { sources: all, caFile } = await pipConfiguration()
  const sources = all.filter(({ kind }) => kind === 'index') // /etc/pip.conf of this machine may name folders
  expect(sources).toEqual([
    { kind: 'index', at: 'https://me:s3cret@user/simple' },
    { kind: 'index', at: 'https://extra/' },
    { kind: 'index', at: 'file:///disk/simple' },
  ])
  expect(caFile).toBe('/ca.pem')
  expect(describeSource(sources[0] ?? { kind: 'path', at: '' })).toBe('https://user/simple')
  vi.stubEnv('PIP_CONFIG_FILE', '/dev/null')
  expect(await pipConfiguration()).toEqual({ sources: [], caFile: undefined })
})

// pip 23.2.1 itself, asked for the options of `pip download` with these files, says the same.
test('within a section the more personal file wins, and then [download] over [global]', async () => {
  const system = '[global]\nindex-url = https://system-global/\n[download]\nindex-url = https://system-download/\n'
  writeFile(join(home, 'system-1', 'pip', 'pip.conf'), system)
  const user = '[global]\nindex-url = https://user-global/\nfind-links = /global\n[download]\nfind-links =\n'
  writeFile(join(home, 'user', 'pip', 'pip.conf'), `${user}[install]\nextra-index-url = https://install/\n`)
  expect((await pipConfiguration()).sources).toEqual([
    { kind: 'path', at: '/global' },
    { kind: 'index', at: 'https://system-download/' },
  ])
  vi.stubEnv('PIP_CONFIG_FILE', join(home, 'missing.conf')) // the user's file counts only without it
  expect((await pipConfiguration()).sources).toHaveLength(2)
  vi.stubEnv('PIP_CONFIG_FILE', writeFile(join(home, 'own.conf'), '[global]\ntimeout = 1\n'))
  expect((await pipConfiguration()).sources).toEqual([{ kind: 'index', at: 'https://system-download/' }])
})

test("pip's environment variables are read; no-index leaves the folders", () => {
  vi.stubEnv('PIP_INDEX_URL', 'https://one/simple')
  vi.stubEnv('PIP_FIND_LINKS', 'https://page/links.html /folder file:///other')
  const folders = [
    { kind: 'page', at: 'https://page/links.html' },
    { kind: 'path', at: '/folder' },
    { kind: 'path', at: '/other' },
  ]
  expect(pipEnvironment().sources).toEqual([...folders, { kind: 'index', at: 'https://one/simple' }])
  vi.stubEnv('PIP_NO_INDEX', '1')
  expect(pipEnvironment().sources).toEqual(folders)
})

test('options, NODE_LIBTORCH_INDEX, environment, configuration and the default, in this order', async () => {
  const origins = async (options = {}) => (await chooseSources(options, 'cpu')).levels.map(({ origin }) => origin)
  vi.stubEnv('PIP_CONFIG_FILE', '/dev/null')
  expect(await origins()).toEqual(['the default'])
  vi.stubEnv('PIP_CONFIG_FILE', writeFile(join(home, 'own.conf'), '[global]\nindex-url = https://user/simple\n'))
  vi.stubEnv('PIP_FIND_LINKS', '/folder')
  expect(await origins()).toEqual(["pip's environment variables", "pip's configuration", 'the default'])
  vi.stubEnv('NODE_LIBTORCH_INDEX', 'https://own/simple')
  expect(await origins()).toEqual(['NODE_LIBTORCH_INDEX'])
  expect(await chooseSources({ index: 'https://flag/simple', findLinks: '/wheels' }, 'cpu')).toMatchObject({
    ordered: true,
    levels: [{ sources: [{ at: '/wheels' }, { at: 'https://flag/simple' }] }],
  })
})

test('an index that has no address is refused, without showing it', async () => {
  const choice = chooseSources({ index: 'ftp://me:s3cret@host/' }, 'cpu')
  await expect(choice).rejects.toMatchObject({
    code: 'ERR_TORCH_INVALID_ARGUMENT',
    message: expect.stringMatching(/^Expected an http.* for index but received (?!.*s3cret)/),
  })
})
