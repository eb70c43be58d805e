// The JPEGs of the suite, made once from a photograph of the repository.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { commandOrFail } from '../../setup/command.mjs'
import { fingerprint, stampEquals, writeStamp } from '../../setup/fingerprint.mjs'

const script = join(import.meta.dirname, 'peers', 'make_images.py')
export const sizes = ['640x480', '1920x1080', '4000x3000']

/** Resolves to {'640x480': file, '1920x1080': file, '4000x3000': file, mixed: {folder, names}}, 2,000 of mixed sizes. */
export async function ensureBenchImages({ root, oraclePython, log }) {
  const photo = join(root, 'assets', 'photos', 'china.jpg')
  const folder = join(root, 'build', 'bench', 'images')
  const mixed = join(folder, 'mixed')
  const stamp = join(folder, 'setup-stamp')
  const value = fingerprint([script, photo, join(root, '.oracle', '.setup-stamp')])
  if (!stampEquals(stamp, value) || !existsSync(mixed)) {
    log('making the JPEGs')
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    await commandOrFail(oraclePython, ['-B', script, photo, folder], 'The JPEGs could not be made', { cwd: root })
    writeStamp(stamp, value)
  }
  return {
    ...Object.fromEntries(sizes.map((size) => [size, join(folder, `${size}.jpg`)])),
    mixed: { folder: mixed, names: readdirSync(mixed).sort() },
  }
}
