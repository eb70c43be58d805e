import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A folder that is gone when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'node-libtorch-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function writeFile(path: string, text: string): string {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
  return path
}

export interface WheelContent {
  version: string
  cuda?: boolean
}

/** A site-packages folder laid out as a wheel lays it out; the library itself is empty, so it can be found, not opened. */
export function makeWheel(sitePackages: string, { version, cuda = false }: WheelContent): string {
  const torch = join(sitePackages, 'torch')
  writeFile(join(torch, '__init__.py'), 'raise Exception("torch must not be imported")\n')
  writeFile(join(torch, 'version.py'), `from typing import Optional\n__version__ = '${version}'\ndebug = False\n`)
  writeFile(join(torch, 'lib', 'libtorch_cpu.so'), '')
  if (cuda) writeFile(join(torch, 'lib', 'libtorch_cuda.so'), '')
  return sitePackages
}
