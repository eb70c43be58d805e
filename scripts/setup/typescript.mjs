// Compiles lib/ to dist/.
import { existsSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { commandOrFail } from './command.mjs'
import { filesUnder, fingerprint, stampEquals, writeStamp } from './fingerprint.mjs'

/** Outputs whose source was renamed or deleted would otherwise stay and be published. */
function removeOrphans(root) {
  for (const file of filesUnder(join(root, 'dist'))) {
    const source = relative(join(root, 'dist'), file).replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts')
    if (source.endsWith('.ts') && !existsSync(join(root, 'lib', source))) rmSync(file)
  }
}

export async function ensureTypescript({ root, log }) {
  const inputs = ['lib', 'binding.d.ts', 'tsconfig.json', 'package-lock.json'].map((path) => join(root, path))
  const stamp = join(root, 'dist', '.setup-stamp')
  const value = fingerprint(inputs)
  if (stampEquals(stamp, value) && existsSync(join(root, 'dist', 'index.js'))) return
  log('compiling TypeScript')
  removeOrphans(root)
  if (!existsSync(join(root, 'dist', 'index.js'))) rmSync(join(root, 'dist'), { recursive: true, force: true })
  await commandOrFail(join(root, 'node_modules', '.bin', 'tsc'), ['-p', '.'], 'lib/ does not compile', { cwd: root })
  writeStamp(stamp, value)
}
