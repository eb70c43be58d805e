// Exports the TorchScript archive that the demo, the benchmarks and some tests run.
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { commandOrFail } from './command.mjs'
import { filesUnder, fingerprint, stampEquals, writeStamp } from './fingerprint.mjs'

export async function ensureExport({ root, oraclePython, log }) {
  const script = join('scripts', 'export', 'resnet.py')
  const archive = join(root, '.artifacts', 'resnet18.pt')
  const stamp = join(root, '.artifacts', '.setup-stamp')
  const scripts = filesUnder(join(root, 'scripts', 'export')).filter((file) => file.endsWith('.py'))
  const value = fingerprint([...scripts, join(root, '.oracle', '.setup-stamp')])
  if (stampEquals(stamp, value) && existsSync(archive)) return
  log('exporting ResNet18 to TorchScript')
  rmSync(stamp, { force: true })
  // The script checks the archive against timm, then renames it into place.
  const args = ['-B', script, '--model', 'resnet18', '--out', archive]
  await commandOrFail(oraclePython, args, 'ResNet18 could not be exported', { cwd: root })
  writeStamp(stamp, value)
}
