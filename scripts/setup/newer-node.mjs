// Other Node.js majors for FULL=1: npm packages that carry the binary itself.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { commandOrFail } from './command.mjs'

export const newerMajors = [24, 26]

/** Resolves to the path of a `node` of that major. */
export async function ensureNode({ root, major, log }) {
  const name = `node-${process.platform}-${process.arch}`
  const folder = join(root, 'build', 'nodes', `${major}`)
  const binary = join(folder, 'node_modules', name, 'bin', 'node')
  if (existsSync(binary)) return binary
  log(`installing ${name}@${major}`)
  const partial = `${folder}.partial-${process.pid}`
  const cleanup = () => rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  const flags = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund']
  await commandOrFail(
    'npm',
    ['install', '--prefix', partial, ...flags, `${name}@${major}`],
    `Node ${major} could not be installed: check the network and npm's configuration`,
    { cwd: dirname(partial), cleanup },
  )
  if (existsSync(binary)) cleanup()
  else renameSync(partial, folder)
  return binary
}
