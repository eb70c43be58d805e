import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'

export interface ZipEntry {
  name: string
  data: string | Buffer
  /** Default: of a plain file. */
  mode?: number
  /** Default: the right one. */
  crc?: number
}

/** A zip archive, byte by byte, so that it can be wrong in every way. */
export function zipArchive(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, data, mode = 0o100644, crc } of entries) {
    const content = Buffer.from(data)
    const packed = deflateRawSync(content)
    const nameBytes = Buffer.from(name)
    const shared = Buffer.alloc(26) // from "version needed" to "extra field length", the same in both headers
    shared.writeUInt16LE(20, 0)
    shared.writeUInt16LE(0x800, 2)
    shared.writeUInt16LE(8, 4)
    shared.writeUInt32LE(crc ?? crc32(content), 10)
    shared.writeUInt32LE(packed.length, 14)
    shared.writeUInt32LE(content.length, 18)
    shared.writeUInt16LE(nameBytes.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), shared, nameBytes, packed])
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE((mode << 16) >>> 0, 6)
    rest.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), shared, rest, nameBytes]))
    parts.push(local)
    offset += local.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, central, end])
}

export interface FakeWheel {
  file: string
  bytes: Buffer
  sha256: string
  metadata: string
}

export const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

interface WheelContent {
  project: string
  version: string
  entries: readonly ZipEntry[]
  requires?: readonly string[]
  tags?: string
}

export const architecture = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
const linuxTags = `cp311-cp311-manylinux_2_17_${architecture}`

export function fakeWheel({ project, version, entries, requires = [], tags = linuxTags }: WheelContent): FakeWheel {
  const name = project.replace(/-/g, '_')
  const info = `${name}-${version}.dist-info`
  const lines = ['Metadata-Version: 2.4', `Name: ${project}`, `Version: ${version}`]
  const metadata = [...lines, ...requires.map((text) => `Requires-Dist: ${text}`), '', 'A description.', ''].join('\n')
  const bytes = zipArchive([
    ...entries,
    { name: `${info}/METADATA`, data: metadata },
    { name: `${info}/WHEEL`, data: 'Wheel-Version: 1.0\n' },
    { name: `${info}/licenses/LICENSE`, data: 'as you like\n' },
    { name: `${info}/RECORD`, data: '' },
  ])
  return { file: `${name}-${version}-${tags}.whl`, bytes, sha256: sha256(bytes), metadata }
}

export interface FakeTorch {
  /** Such as '2.13.0+cpu'. */
  version: string
  /** Of the library, which does not compress. Default 300 kB. */
  size?: number
  /** Such as '13.0': a CUDA build. */
  cuda?: string
  requires?: readonly string[]
  extra?: readonly ZipEntry[]
  tags?: string
}

/** A wheel laid out as torch's are; its libraries are noise. */
export function fakeTorch({ version, size = 300_000, cuda, requires = [], extra = [], tags }: FakeTorch): FakeWheel {
  const libraries = ['libc10.so', 'libtorch_python.so', 'libgomp-24e2ab19.so.1.0.0']
  const cudaLibraries = cuda === undefined ? [] : ['libtorch_cuda.so', 'libc10_cuda.so']
  const cudaLine = cuda === undefined ? 'cuda: Optional[str] = None' : `cuda: Optional[str] = '${cuda}'`
  return fakeWheel({
    project: 'torch',
    version,
    requires: ['filelock', ...requires],
    ...(tags === undefined ? {} : { tags }),
    entries: [
      { name: 'torch/__init__.py', data: 'raise Exception("torch must not be imported")\n' },
      { name: 'torch/version.py', data: `__version__ = '${version}'\n${cudaLine}\n` },
      { name: 'torch/include/torch/torch.h', data: '#pragma once\n' },
      { name: 'torch/lib/libtorch_cpu.so', data: randomBytes(size) },
      ...[...libraries, ...cudaLibraries].map((name) => ({ name: `torch/lib/${name}`, data: name })),
      ...extra,
    ],
  })
}

export function saveWheel(folder: string, { file, bytes }: FakeWheel): string {
  const path = join(folder, file)
  writeFileSync(path, bytes)
  return path
}
