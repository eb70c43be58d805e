// Builds and boots against another libtorch, a CUDA build with all that it needs: `check-libtorch 2.14.1`.
import { join } from 'node:path'
import { command, SetupError } from './command.mjs'
import { ensureLibtorch } from './libtorch.mjs'
import { ensureNative } from './native.mjs'

export function minorOf(version) {
  const minor = /^(\d+\.\d+)\.\d+$/.exec(version ?? '')?.[1]
  if (minor === undefined)
    throw new SetupError(`Expected a torch version such as 2.14.1 but received '${version ?? ''}'`)
  return minor
}

/** Resolves to the exit status. */
export async function checkLibtorch({ root, version, log }) {
  const torchDir = await ensureLibtorch({ version, variant: 'cu', log })
  await ensureNative({ root, torchDir, minor: minorOf(version), log })
  const options = { cwd: root, env: { NODE_LIBTORCH_PATH: join(torchDir, 'torch', 'lib') } }
  const doctor = await command(process.execPath, [join('dist', 'cli', 'main.js'), 'doctor'], options)
  const smoke = await command(join('node_modules', '.bin', 'vitest'), ['run', 'test/core/smoke.test.ts'], options)
  return doctor.code === 0 && smoke.code === 0 ? 0 : 1
}
