// Builds the addons and the native tests against one libtorch.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import { command, commandOrFail } from './command.mjs'
import { fingerprint, stampEquals, writeStamp } from './fingerprint.mjs'
import { compiler } from './prerequisites.mjs'

export function buildFolder(root, minor) {
  return join(root, 'build', `torch-${minor}`)
}

/** CMake keeps the first libtorch, source folder and compiler it was told of, so a cache with others is useless. */
export function cacheFits(text, { root, torchRoot }) {
  const lines = text.split('\n')
  const entry = (name) => lines.find((line) => line.startsWith(`${name}:`))?.replace(/^[^=]*=/, '')
  // A configuration that failed leaves a cache that every later one fails with.
  if (entry('CMAKE_PROJECT_NAME') === undefined) return false
  return entry('TORCH_ROOT') === torchRoot && entry('CMAKE_HOME_DIRECTORY') === root && entry('SETUP_CXX') === compiler
}

function removeForeignCache(build, wanted) {
  const cache = join(build, 'CMakeCache.txt')
  if (existsSync(cache) && !cacheFits(readFileSync(cache, 'utf8'), wanted)) {
    rmSync(build, { recursive: true, force: true })
  }
}

/** A unit with torch/script.h takes about 1 GB to compile. */
function parallelCompilers() {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / 2e9)))
}

export async function ensureNative({ root, torchDir, minor, log }) {
  const torchRoot = join(torchDir, 'torch')
  const build = buildFolder(root, minor)
  const stamp = join(build, 'setup-stamp')
  const sources = ['native', 'CMakeLists.txt'].map((path) => join(root, path))
  const value = fingerprint(sources, torchRoot, compiler)
  const outputs = [
    join(root, 'addons', `torch-${minor}`, 'build', 'Release', 'torch.node'),
    join(root, 'addons', 'boot', 'build', 'Release', 'boot.node'),
  ]
  if (stampEquals(stamp, value) && outputs.every((file) => existsSync(file))) return
  log(`building the addons for torch ${minor} (some minutes the first time)`)
  rmSync(stamp, { force: true })
  removeForeignCache(build, { root, torchRoot })
  const ninja = (await command('ninja', ['--version'], { quiet: true })).code === 0
  const args = [
    'build',
    '-O',
    build,
    `--CDTORCH_ROOT=${torchRoot}`,
    `--CDTORCH_MINOR=${minor}`,
    `--CDSETUP_CXX=${compiler}`,
  ]
  args.push('-p', String(parallelCompilers()))
  if (ninja && !existsSync(join(build, 'Makefile'))) args.push('-G', 'Ninja')
  await commandOrFail(
    process.execPath,
    [join(root, 'node_modules', 'cmake-js', 'bin', 'cmake-js'), ...args],
    'The addons could not be built: the first error above says why',
    { cwd: root },
  )
  writeStamp(stamp, value)
}
