import { torchError } from '../core/errors.js'
import { glibcVersion } from './glibc-version.js'
import type { WheelMachine } from './wheel-name.js'

const architectures: Partial<Record<NodeJS.Architecture, WheelMachine['architecture']>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
}

/** This machine. ERR_TORCH_INSTALL where no libtorch is built for it. */
export function thisMachine(): WheelMachine {
  const architecture = architectures[process.arch]
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(glibcVersion() ?? '') ?? []
  if (process.platform === 'linux' && architecture !== undefined && major !== undefined) {
    return { architecture, glibc: [Number(major), Number(minor)] }
  }
  const actual = `${process.platform}-${process.arch}${major === undefined ? ' without glibc' : ''}`
  const message = `Expected Linux with glibc on x64 or arm64, for which libtorch is built, but this is ${actual}`
  throw torchError('ERR_TORCH_INSTALL', message)
}
