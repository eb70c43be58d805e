import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Only root may mount; CI runs as root. */
export const mayMount = process.getuid?.() === 0

function mount(options: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'node-libtorch-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder])
  onTestFinished(() => {
    execFileSync('umount', [folder])
    rmdirSync(folder)
  })
  return folder
}

/** A file system in memory of a few kilobytes, gone when the test ends. */
export const smallDisk = (kilobytes: number): string => mount(`size=${kilobytes}k`)

/** A folder that cannot be written to, not even by root where mounting is allowed. */
export function readOnlyFolder(): string {
  if (mayMount) return mount('ro')
  const folder = mkdtempSync(join(tmpdir(), 'node-libtorch-read-only-'))
  chmodSync(folder, 0o555)
  onTestFinished(() => rmdirSync(folder))
  return folder
}
