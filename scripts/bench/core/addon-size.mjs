// addon.size: what of ours is native, without libtorch and without symbols.
import { readFileSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CannotRunHere } from '../child.mjs'
import { round } from '../statistics.mjs'

const symbolTable = 2 // SHT_SYMTAB: what `strip` removes; the dynamic symbols have another type

/** A little-endian 64-bit ELF file without its symbol table. */
function isStripped(file) {
  const elf = readFileSync(file)
  if (elf.readUInt32BE(0) !== 0x7f454c46) throw new Error(`Expected an ELF file but received ${file}`)
  const [table, entrySize, count] = [Number(elf.readBigUInt64LE(0x28)), elf.readUInt16LE(0x3a), elf.readUInt16LE(0x3c)]
  const types = Array.from({ length: count }, (_, i) => elf.readUInt32LE(table + i * entrySize + 4))
  return !types.includes(symbolTable)
}

const megabytes = (file) => statSync(file).size / 1e6

async function measure({ root, peers }) {
  if (process.platform !== 'linux') throw new CannotRunHere('needs Linux')
  const minor = /^\d+\.\d+/.exec(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).libtorch.development)[0]
  const built = (name, addon) => join(root, 'addons', name, 'build', 'Release', addon)
  const ours = built(`torch-${minor}`, 'torch.node')
  const boot = built('boot', 'boot.node')
  const bin = join(peers.onnxruntime, 'bin')
  const [version] = await readdir(bin)
  const peer = (name) => join(bin, version, 'linux', process.arch, name)
  return {
    'addon.size': {
      ours: megabytes(ours),
      peer: megabytes(peer('onnxruntime_binding.node')),
      peerName: "onnxruntime-node's binding",
      n: 1,
      correct: isStripped(ours) && isStripped(boot),
      note:
        `boot addon ${round(megabytes(boot))} MB; beside the bindings lie libtorch, not in the package, and ` +
        `${round(megabytes(peer('libonnxruntime.so.1')))} MB of libonnxruntime, in the package`,
    },
  }
}

export const addonSize = { rows: [{ row: 'addon.size', unit: 'MB', better: 'lower' }], measure }
