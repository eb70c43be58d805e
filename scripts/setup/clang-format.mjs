// clang-format over the native sources: checks them, or with --write formats them.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { command } from './command.mjs'
import { filesUnder } from './fingerprint.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const files = filesUnder(join(root, 'native'), join(root, 'test', 'native')).filter((f) => /\.(c|cc|h|cu)$/.test(f))
const mode = process.argv.includes('--write') ? ['-i'] : ['--dry-run', '--Werror']
if (files.length > 0) {
  const program = join(root, 'node_modules', '.bin', 'clang-format')
  process.exitCode = (await command(program, ['--style=file', ...mode, ...files])).code
}
