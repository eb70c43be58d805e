// Puts the addons that are built here where node-gyp-build finds them in the published package.
import { cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import prebuildify from 'prebuildify'
import { SetupError } from '../setup/command.mjs'
import { clearPrebuilds } from './clear.mjs'
import { newestOf, requirementsOf } from './requirements.mjs'

const platform = `${process.platform}-${process.arch}`
const fileName = 'node-libtorch.glibc.node'

/** prebuildify moves what it finds away and builds with node-gyp; it gets a copy of what cmake-js has built. */
async function prebuild(built, out) {
  const cwd = mkdtempSync(join(tmpdir(), 'prebuild-'))
  try {
    cpSync(built, join(cwd, 'build', 'Release'), { recursive: true })
    const asBuilt = { cwd, nodeGyp: 'true', quiet: true }
    await promisify(prebuildify)({ ...asBuilt, out, name: 'node-libtorch', napi: true, tagLibc: true, strip: true })
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

/**
 * The boot addon and one addon per libtorch minor, from `<root>/addons/<name>/build/Release` to
 * `<out>/<name>/prebuilds/<platform>/`. Resolves to what they need together: {GLIBC: '2.34', GLIBCXX: '3.4.30'}.
 */
export async function collectPrebuilds({ root, out = join(root, 'addons'), minors, log }) {
  if (existsSync(out)) clearPrebuilds(out)
  const needed = []
  for (const name of ['boot', ...minors.map((minor) => `torch-${minor}`)]) {
    const built = join(root, 'addons', name, 'build', 'Release')
    if (!existsSync(built)) throw new SetupError(`Expected a built addon in ${built} but found none: npm run build`)
    await prebuild(built, join(out, name))
    const file = join(out, name, 'prebuilds', platform, fileName)
    const versions = await requirementsOf(file)
    const needs = Object.entries(versions).map(([kind, version]) => `${kind} ${version}`)
    log(`${name}: ${(statSync(file).size / 1e6).toFixed(2)} MB, needs ${needs.join(', ')}`)
    needed.push(versions)
  }
  return newestOf(needed)
}
