import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { childEnvironment } from '../core/environment.js'
import { torchError } from '../core/errors.js'
import { makeFolder, withDiskErrors } from './disk-error.js'
import { localLink, type WheelLink } from './wheel-link.js'

const run = promisify(execFile)

/** How pip is called, in this order. */
const programs: readonly (readonly string[])[] = [['pip'], ['pip3'], ['python3', '-m', 'pip']]

type Answer = 'done' | { missing: true } | { reason: string }

async function tryPip(
  program: readonly string[],
  args: string[],
  folder: string,
  signal: AbortSignal,
): Promise<Answer> {
  const [command = '', ...first] = program
  try {
    // pip keeps what it fetches in TMPDIR: the cache's disk has been looked at, /tmp has not.
    const env = childEnvironment({ TMPDIR: folder })
    await run(command, [...first, ...args], { env, signal, maxBuffer: 64 * 2 ** 20 })
    return 'done'
  } catch (error) {
    signal.throwIfAborted()
    const { code, stderr, message } = error as { code?: unknown; stderr?: string; message: string }
    if (code === 'ENOENT') return { missing: true }
    const lines = (stderr || message).trim().split('\n')
    return { reason: lines.filter((line) => /error/i.test(line)).at(-1) ?? lines.at(-1) ?? '' }
  }
}

/** Passwords in addresses that pip quotes. */
const withoutSecrets = (text: string) => text.replace(/:\/\/[^/\s@]+@/g, '://')

/**
 * Lets pip fetch the wheel of a requirement such as 'torch==2.13.*' into `folder`, with all that pip is configured
 * for: netrc files, key rings, client certificates. pip verifies the checksums of its index.
 * ERR_TORCH_DOWNLOAD where there is no pip or it fails.
 */
export async function pipDownload(requirement: string, folder: string, signal: AbortSignal): Promise<WheelLink> {
  await makeFolder(folder)
  const own = await withDiskErrors(folder, () => mkdtemp(join(folder, 'pip-')))
  try {
    const args = ['download', '--no-input', '--no-deps', '--only-binary=:all:', '--dest', own, requirement]
    for (const program of programs) {
      const answer = await tryPip(program, args, folder, signal)
      if (answer === 'done') {
        const [wheel] = (await readdir(own)).flatMap((name) => localLink(join(folder, name)) ?? [])
        if (wheel === undefined) break
        await rename(join(own, wheel.name.file), join(folder, wheel.name.file))
        return wheel
      }
      if ('reason' in answer) {
        const message = `Expected pip to download ${requirement} but it said: ${withoutSecrets(answer.reason)}`
        throw torchError('ERR_TORCH_DOWNLOAD', message)
      }
    }
    throw torchError('ERR_TORCH_DOWNLOAD', `Expected pip to download ${requirement} but no pip answers on this machine`)
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}
