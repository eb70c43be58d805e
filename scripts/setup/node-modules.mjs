// Installs the npm packages of package-lock.json.
import { statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { commandOrFail } from './command.mjs'

export async function ensureNodeModules({ root, log }) {
  const installed = join(root, 'node_modules', '.package-lock.json')
  const modified = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (modified(installed) >= modified(join(root, 'package-lock.json'))) return
  log('installing npm packages')
  const npm = process.env.npm_execpath
  const [program, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  const args = [...first, 'ci', '--no-audit', '--no-fund', '--include=dev']
  await commandOrFail(program, args, "npm packages could not be installed: check the network and npm's configuration", {
    cwd: root,
  })
  utimesSync(installed, new Date(), new Date())
}
