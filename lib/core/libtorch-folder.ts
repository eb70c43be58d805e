import { readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A libtorch on disk, not opened yet. */
export interface LibtorchFolder {
  /** The real path of the folder that holds libtorch_cpu.so. */
  path: string
  /** As the build calls itself: '2.13.0+cpu'. */
  version: string
  /** 'major.minor' */
  minor: string
  /** Whether the build carries the CUDA libraries. */
  variant: 'cpu' | 'cuda'
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

/** `torch/version.py` of a wheel, or `build-version` of an unpacked libtorch archive. */
function readVersion(torchFolder: string): string | undefined {
  const wheel = join(torchFolder, 'version.py')
  if (isFile(wheel)) return /^__version__ *= *['"]([^'"]+)['"]/m.exec(readFileSync(wheel, 'utf8'))?.[1]
  const archive = join(torchFolder, 'build-version')
  return isFile(archive) ? readFileSync(archive, 'utf8').trim() : undefined
}

function read(folder: string): LibtorchFolder | string {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return 'is not a folder'
  const lib = [folder, join(folder, 'lib'), join(folder, 'torch', 'lib')].find((candidate) =>
    isFile(join(candidate, 'libtorch_cpu.so')),
  )
  if (lib === undefined) return 'has no libtorch_cpu.so, lib/libtorch_cpu.so or torch/lib/libtorch_cpu.so'
  const path = realpathSync(lib)
  const version = readVersion(dirname(path))
  const minor = /^(\d+\.\d+)\./.exec(version ?? '')?.[1]
  if (version === undefined || minor === undefined) {
    return `has no version: neither version.py nor build-version of ${dirname(path)} tells one`
  }
  return { path, version, minor, variant: isFile(join(path, 'libtorch_cuda.so')) ? 'cuda' : 'cpu' }
}

/**
 * Reads a site-packages folder, a `torch` or `libtorch` folder, or a `lib` folder. Where it cannot be used, the reason
 * is returned in words.
 */
export function readLibtorchFolder(folder: string): LibtorchFolder | string {
  try {
    return read(folder)
  } catch (error) {
    return `cannot be read (${systemErrorCode(error)})`
  }
}

/** Such as 'EACCES'; what is no error of the file system is thrown on. */
export function systemErrorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  throw error
}
