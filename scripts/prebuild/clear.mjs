// After `npm pack`: what was packed is not left behind, where a later package could take it for its own.
import { readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export function clearPrebuilds(addons) {
  for (const name of readdirSync(addons)) rmSync(join(addons, name, 'prebuilds'), { recursive: true, force: true })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  clearPrebuilds(join(dirname(process.argv[1]), '..', '..', 'addons'))
}
