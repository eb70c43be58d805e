import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { runScript } from '../support/child-script.js'
import { temporaryFolder, writeFile } from '../support/libtorch-folders.js'
import { repositoryRoot } from '../support/source-files.js'

const url = (name: string) => JSON.stringify(pathToFileURL(join(repositoryRoot, 'scripts', 'setup', name)).href)

async function fingerprintOf(paths: string[], ...strings: string[]): Promise<string> {
  const source = `
    import { fingerprint } from ${url('fingerprint.mjs')}
    console.log(fingerprint(${JSON.stringify(paths)}, ...${JSON.stringify(strings)}))`
  const { stdout, stderr } = await runScript(source)
  expect(stderr).toBe('')
  return stdout
}

test('a step is done again when a file changes, appears, moves or goes, or a setting changes; else not', async () => {
  const folder = temporaryFolder()
  writeFile(join(folder, 'a', 'x.cc'), 'one')
  writeFile(join(folder, 'y.cc'), 'two')
  const first = await fingerprintOf([folder], 'g++')
  expect(await fingerprintOf([folder], 'g++')).toBe(first)
  expect(await fingerprintOf([folder], 'clang++')).not.toBe(first)
  writeFile(join(folder, 'y.cc'), 'two!')
  const changed = await fingerprintOf([folder], 'g++')
  writeFile(join(folder, 'y.cc'), 'two')
  writeFile(join(folder, 'z.cc'), '')
  const added = await fingerprintOf([folder], 'g++')
  rmSync(join(folder, 'z.cc'))
  rmSync(join(folder, 'y.cc'))
  writeFile(join(folder, 'a', 'y.cc'), 'two')
  const moved = await fingerprintOf([folder], 'g++')
  mkdirSync(join(folder, 'empty'))
  expect(await fingerprintOf([folder, join(folder, 'missing')], 'g++')).toBe(moved)
  expect(new Set([first, changed, added, moved]).size).toBe(4)
})

test('a CMake cache of another libtorch, source folder or compiler is not built upon', async () => {
  const source = `
    import { cacheFits } from ${url('native.mjs')}
    const cache = (torch, home, compiler, project = 'CMAKE_PROJECT_NAME:STATIC=node_libtorch') =>
      ['TORCH_ROOT:PATH=' + torch, project, 'CMAKE_HOME_DIRECTORY:INTERNAL=' + home, 'SETUP_CXX:UNINITIALIZED=' + compiler, ''].join('\\n')
    const wanted = { root: '/r (1)', torchRoot: '/c+/torch' }
    console.log(JSON.stringify([
      cacheFits(cache('/c+/torch', '/r (1)', 'c++'), wanted),
      cacheFits(cache('/c+/torch/', '/r (1)', 'c++'), wanted),
      cacheFits(cache('/c+/torch', '/r', 'c++'), wanted),
      cacheFits(cache('/c+/torch', '/r (1)', 'g++-13'), wanted),
      cacheFits(cache('/c+/torch', '/r (1)', 'c++', 'CONFIGURED=half'), wanted),
      cacheFits('', wanted),
    ]))`
  const { stdout, stderr } = await runScript(source, { env: { CXX: undefined } })
  expect({ stdout: JSON.parse(stdout), stderr }).toEqual({
    stdout: [true, false, false, false, false, false],
    stderr: '',
  })
})
