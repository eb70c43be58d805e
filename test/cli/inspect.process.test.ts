import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cliProgram, runNode } from '../support/child-script.js'
import { startFakeHub } from '../support/fake-hub.js'
import { sha256 } from '../support/fake-wheel.js'
import { bareHub } from '../support/hub-environment.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { safetensorsBytes } from '../support/safetensors-bytes.js'
import { photoFolder } from '../support/sample-photos.js'

const bytes = safetensorsBytes({ 'conv.weight': [64, 3, 7, 7], scale: [] }, { metadata: { format: 'pt' } })
const inspect = (args: string[], env = {}) => runNode([cliProgram, 'inspect', ...args], { env })

function saved(name: string, content = bytes, folder = temporaryFolder()): string {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

test('says what a file holds', async () => {
  const { code, stdout, stderr } = await inspect([saved('model.safetensors')])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.split('\n')).toEqual([
    'model.safetensors: 37.8 kB, 2 tensors, 9,409 elements',
    `  sha256    ${sha256(bytes)}`,
    '  metadata  format: pt',
    '  conv.weight  float32  [64, 3, 7, 7]  37.6 kB',
    '  scale        float32  []                 4 B',
    '',
  ])
})

test('--json is one document', async () => {
  const path = saved('model.safetensors')
  const { stdout } = await inspect([path, '--json', '--no-checksum'])
  expect(JSON.parse(stdout)).toEqual({
    source: path,
    files: [
      {
        ...{ name: 'model.safetensors', path, bytes: bytes.length, metadata: { format: 'pt' } },
        tensors: [
          { name: 'conv.weight', dtype: 'float32', shape: [64, 3, 7, 7], bytes: 37_632 },
          { name: 'scale', dtype: 'float32', shape: [], bytes: 4 },
        ],
      },
    ],
  })
})

test('several files have a sum', async () => {
  const folder = temporaryFolder()
  for (const name of ['a.safetensors', 'b.safetensors']) saved(name, bytes, folder)
  const { stdout } = await inspect([folder])
  expect(stdout).toMatch(/\n\ntotal: 2 files, 75\.6 kB, 4 tensors, 18,818 elements\n$/)
})

test('asks the hub for headers only, and tells a damaged file of the cache', async () => {
  const server = await startFakeHub({ name: 'model.safetensors', bytes, large: true })
  const { variables } = bareHub(server)
  const remote = await inspect(['timm/tiny'], variables)
  expect(remote.stdout).toContain(`sha256    ${sha256(bytes)} (the hub's promise; the tensors were not fetched)`)
  const folder = (await runNode([cliProgram, 'pull', 'timm/tiny'], { env: variables })).stdout.trim()
  expect((await inspect(['timm/tiny'], variables)).stdout).toContain('(as the hub promised)')
  writeFileSync(join(folder, 'model.safetensors'), Buffer.concat([bytes.subarray(0, -1), Buffer.from('x')]))
  const damaged = await inspect(['timm/tiny', '--offline'], variables)
  expect(damaged).toMatchObject({ code: 1, stdout: expect.stringContaining('DAMAGED') })
})

test.each(['file', 'index', 'repository', 'cached repository', 'dataset'])(
  'no libtorch is needed for a %s',
  async (kind) => {
    const server = await startFakeHub({ name: 'model.safetensors', bytes, large: true })
    const home = temporaryFolder()
    const env = { ...bareHub(server).variables, NODE_LIBTORCH_PATH: '/nowhere', XDG_CACHE_HOME: home, PATH: home }
    expect((await runNode([cliProgram, 'doctor'], { env })).code, 'there is a libtorch').toBe(1)
    if (kind === 'cached repository') await runNode([cliProgram, 'pull', 'timm/tiny'], { env })
    if (kind === 'dataset') server.type = 'dataset'
    const path = saved('model.safetensors')
    const index = join(path, '..', 'model.safetensors.index.json')
    const shards = { 'conv.weight': 'model.safetensors', scale: 'model.safetensors' }
    writeFileSync(index, JSON.stringify({ weight_map: shards }))
    const source = { file: path, index }[kind] ?? 'timm/tiny'
    const type = kind === 'dataset' ? ['--type', 'dataset'] : []
    const { code, stdout, stderr } = await inspect([source, ...type], env)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('model.safetensors: 37.8 kB, 2 tensors, 9,409 elements')
  },
)

test('failures are one message with exit status 1', async () => {
  const { code, stdout, stderr } = await inspect([saved('model.safetensors', Buffer.from('not tensors'))])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^error: Expected .*model\.safetensors.*\n$/)
})

test.each<[string, () => string, RegExp]>([
  [
    'a photograph',
    () => join(photoFolder, 'flower.jpg'),
    /flower\.jpg is none: it does not begin with the length of a/,
  ],
  ['a file of 3 bytes', () => saved('x', Buffer.from('abc')), /x is none: it has 3 bytes\n$/],
  [
    'a file that is cut off',
    () => saved('x', bytes.subarray(0, 100)),
    /x is none, or cut off: .* and 92 bytes follow\n$/,
  ],
  ['a folder without any', () => photoFolder, /Expected safetensors files in the folder \S+ but it has none\n$/],
])('%s is said to be none, with exit status 1', async (_, source, message) => {
  const { code, stdout, stderr } = await inspect([source()])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(message)
})

test('names from a file cannot move the cursor of a terminal', async () => {
  const evil = safetensorsBytes({ 'a\x1b[2Jb': [1] }, { metadata: { 'k\x1b': 'v\x07' } })
  const { stdout } = await inspect([saved('evil.safetensors', evil)])
  expect(stdout).toContain('a\\x1b[2Jb')
  expect(stdout).toContain('k\\x1b: v\\x07')
})

test('takes a repository without an organisation, and its revision', async () => {
  const server = await startFakeHub({ name: 'model.safetensors', bytes, large: true })
  server.repository = 'gpt2'
  const { variables } = bareHub(server)
  for (const args of [['gpt2'], ['hf-hub:gpt2@v1'], ['gpt2', '--revision', 'v1']]) {
    expect((await inspect(args, variables)).stdout).toContain('conv.weight')
  }
  expect((await inspect(['gpt2@v1', '--revision', 'main'], variables)).code).toBe(2)
})
