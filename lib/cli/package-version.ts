import { readFileSync } from 'node:fs'

/** Of this package, from its package.json, which lies as far above dist/cli as above lib/cli. */
export function packageVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}
