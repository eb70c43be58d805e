// Exports the TorchScript archives: those that ship without weights, and those that the demo, benchmarks and tests run.
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { commandOrFail } from './command.mjs'
import { filesUnder, fingerprint, stampEquals, writeStamp } from './fingerprint.mjs'

const artifact = (root, ...names) => join(root, '.artifacts', ...names)

/** Where a fresh export of data/architectures lies. */
export const architecturesFolder = (root) => artifact(root, 'architectures')

/** {full, weightless}: the archives of a model; the second holds the program alone, with every weight zero. */
export function archivesOf(root, model, timmName = model) {
  return { full: artifact(root, `${model}.pt`), weightless: join(architecturesFolder(root), `${timmName}.pt`) }
}

/** Runs a script of scripts/export where its inputs or `args` have changed, or one of its `files` is missing. */
async function ensureExport({ root, oraclePython, log, name, script, args, files, inputs = [] }) {
  const stamp = artifact(root, `.${name}.setup-stamp`)
  const scripts = filesUnder(join(root, 'scripts', 'export')).filter((file) => file.endsWith('.py'))
  const value = fingerprint([...scripts, join(root, '.oracle', '.setup-stamp')], script, ...args, ...inputs)
  if (stampEquals(stamp, value) && files.every((file) => existsSync(file))) return
  log(`exporting ${name} to TorchScript`)
  rmSync(stamp, { force: true })
  // The script checks the archives against timm, then renames them into place. With a fixed order of sets the same
  // inputs give the same archives, byte for byte.
  const command = ['-B', join('scripts', 'export', script), ...args]
  const env = { PYTHONHASHSEED: '0' }
  await commandOrFail(oraclePython, command, `${name} could not be exported`, { cwd: root, env })
  writeStamp(stamp, value)
}

/** A model with its weights; `weights` is {file, sha256} of a safetensors file, by default a rule fills them. */
export function ensureArchive({ model, timmName = model, weights, ...setup }) {
  const { full } = archivesOf(setup.root, model)
  const args = ['--model', timmName, '--out', full, ...(weights ? ['--weights', weights.file] : [])]
  const inputs = [weights?.sha256 ?? '']
  return ensureExport({ ...setup, name: model, script: 'timm_model.py', args, files: [full], inputs })
}

/** Every line of lib/models/registry.ts, to hold data/architectures against. */
export async function ensureArchitectures(setup) {
  const { weightlessNames } = await import(pathToFileURL(join(setup.root, 'dist', 'models', 'registry.js')).href)
  const folder = architecturesFolder(setup.root)
  const names = weightlessNames()
  const files = names.flatMap((name) => [join(folder, `${name}.pt`), join(folder, `${name}.json`)])
  return ensureExport({
    ...setup,
    name: 'architectures',
    script: 'architectures.py',
    args: ['--out', folder, ...names],
    files,
  })
}
