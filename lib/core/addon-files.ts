import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { NativeBoot } from '../../binding.js'
import { torchError } from './errors.js'

export type TorchAddon = typeof import('../../binding.js')

const require = createRequire(import.meta.url)
/** The same depth from lib/ and from dist/. */
const addonsFolder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'addons')

function load(name: string): unknown {
  const folder = join(addonsFolder, name)
  try {
    // Not by require, whose cache would share it among instances of this file: each settles calls of its own.
    const addon = { exports: {} }
    process.dlopen(addon, require('node-gyp-build').path(folder))
    return addon.exports
  } catch (cause) {
    const platform = `${process.platform}-${process.arch}, Node.js ${process.versions.node}`
    const message = `Expected a native addon for ${platform} in ${folder} but it could not be loaded: ${cause}`
    throw torchError('ERR_TORCH_LIBTORCH_BOOT', message, { cause })
  }
}

/** The libtorch minor versions, such as '2.13', that this package has an addon for; the newest first. */
export function addonMinors(): string[] {
  const names = existsSync(addonsFolder) ? readdirSync(addonsFolder) : []
  const minors = names.filter((name) => hasBinary(name)).flatMap((name) => /^torch-(\d+\.\d+)$/.exec(name)?.[1] ?? [])
  return minors.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
}

function hasBinary(name: string): boolean {
  return ['build/Release/torch.node', 'prebuilds'].some((path) => existsSync(join(addonsFolder, name, path)))
}

export function torchAddonFolder(minor: string): string {
  return join(addonsFolder, `torch-${minor}`)
}

export function loadBootAddon(): NativeBoot {
  return load('boot') as NativeBoot
}

/** libtorch must be open: the addon's libtorch symbols are resolved against what is in the process. */
export function loadTorchAddon(minor: string): TorchAddon {
  return load(`torch-${minor}`) as TorchAddon
}
