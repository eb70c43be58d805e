// Exports the TorchScript archives that the demo, the benchmarks and some tests run.
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { commandOrFail } from './command.mjs'
import { filesUnder, fingerprint, stampEquals, writeStamp } from './fingerprint.mjs'

/** {full, weightless}: the archives of a model; the second holds the program alone, with every weight zero. */
export function archivesOf(root, model) {
  const file = (name) => join(root, '.artifacts', name)
  return { full: file(`${model}.pt`), weightless: file(`${model}.weightless.pt`) }
}

/** `script` lies in scripts/export; `weights` is {file, sha256} of a safetensors file, by default a rule fills them. */
export async function ensureArchives({ root, oraclePython, log, script, model, timmName = model, weights }) {
  const { full, weightless } = archivesOf(root, model)
  const stamp = join(root, '.artifacts', `.${model}.setup-stamp`)
  const scripts = filesUnder(join(root, 'scripts', 'export')).filter((file) => file.endsWith('.py'))
  const inputs = [...scripts, join(root, '.oracle', '.setup-stamp')]
  const value = fingerprint(inputs, script, timmName, weights?.sha256 ?? '')
  if (stampEquals(stamp, value) && existsSync(full) && existsSync(weightless)) return
  log(`exporting ${model} to TorchScript`)
  rmSync(stamp, { force: true })
  // The script checks the archives against timm, then renames them into place.
  const args = ['-B', join('scripts', 'export', script), '--model', timmName, '--out', full, '--weightless', weightless]
  if (weights !== undefined) args.push('--weights', weights.file)
  // With a fixed order of sets the same inputs give the same archives, byte for byte.
  const env = { PYTHONHASHSEED: '0' }
  await commandOrFail(oraclePython, args, `${model} could not be exported`, { cwd: root, env })
  writeStamp(stamp, value)
}

export async function ensureExport({ root, oraclePython, log }) {
  await ensureArchives({ root, oraclePython, log, script: 'resnet.py', model: 'resnet18' })
}
