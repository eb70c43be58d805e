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
  const options = { cwd: root, env: { NODE_LIBTORCH_PATH: torchDir } }
  const run = async (...args) => (await command(process.execPath, args, options)).code === 0
  const healthy = await run(join('dist', 'cli', 'main.js'), 'doctor')
  const computes = await run(join('node_modules', 'vitest', 'vitest.mjs'), 'run', 'test/core/smoke.test.ts')
  return healthy && computes ? 0 : 1
}
