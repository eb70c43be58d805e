import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type DType, dtypes } from '../../lib/core/dtype.js'
import { Tensor } from '../../lib/core/tensor.js'
import { Safetensors } from '../../lib/io/safetensors.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { expectNoLeaks, inScope } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { failure, fileOf } from '../support/safetensors-files.js'
import { repositoryRoot } from '../support/source-files.js'

interface GoldenTensor {
  name: string
  dtype: DType
  shape: number[]
  hex: string
}
interface GoldenFile {
  what: string
  metadata: Record<string, string> | null
  tensors: GoldenTensor[]
  hex: string
  /** By name, where the file says something else than the tensor. */
  stored?: Record<string, { dtype: string; shape: number[] }>
}
interface Golden {
  files: GoldenFile[]
  vectors: { what: string; hex: string; here: boolean }[]
}

const golden: Golden = JSON.parse(readFileSync(join(repositoryRoot, 'test', 'golden', 'safetensors.json'), 'utf8'))

const both = [[false], [true]]

function tensorOf({ dtype, shape, hex }: GoldenTensor): Tensor {
  const { buffer } = new Uint8Array(Buffer.from(hex, 'hex'))
  return Tensor.from(new dtypes[dtype].array(buffer as ArrayBuffer), shape, { dtype })
}

async function hexOf(tensor: Tensor): Promise<string> {
  const { buffer, byteOffset, byteLength } = await tensor.data()
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('hex')
}

/** All tensors but those of dtypes that none has here. */
async function readWhole(path: string, mmap: boolean): Promise<void> {
  const opened = await Safetensors.open(path, { mmap })
  const names = opened.keys().filter((name) => opened.info(name).dtype in dtypes)
  for (const [name, tensor] of await opened.tensors(names)) expect(tensor.shape).toEqual(opened.info(name).shape)
}

expectNoLeaks()

describe('files of the Rust writer', () => {
  test.each(both.flatMap(([mmap]) => golden.files.map((row) => [row.what, mmap, row] as const)))(
    '%s are read, mmap: %s',
    inScope(async (_, mmap, { hex, tensors, metadata, stored }) => {
      const opened = await Safetensors.open(fileOf(Buffer.from(hex, 'hex')), { mmap: mmap === true })
      expect(opened.keys().sort()).toEqual(tensors.map(({ name }) => name).sort())
      expect(opened.metadata).toEqual(metadata ?? {})
      const all = await opened.tensors()
      for (const { name, dtype, shape, hex } of tensors) {
        expect(opened.info(name)).toEqual({ dtype, shape, bytes: hex.length / 2, ...stored?.[name] })
        const tensor = all.get(name) as Tensor
        expect([tensor.dtype, tensor.shape]).toEqual([dtype, shape])
        expect(await hexOf(tensor)).toBe(hex)
      }
      expect(all.size).toBe(tensors.length)
    }),
  )

  test.each(golden.files.map((row) => [row.what, row] as const))(
    '%s are written with the same bytes',
    inScope(async (_, { hex, tensors, metadata }) => {
      const path = join(temporaryFolder(), 'ours.safetensors')
      const named = new Map(tensors.map((row) => [row.name, tensorOf(row)]))
      await writeSafetensors(path, named, metadata === null ? {} : { metadata })
      expect(readFileSync(path).toString('hex')).toBe(hex)
    }),
  )
})

describe('of what the Rust reader decides,', () => {
  test.each(golden.vectors.map((row) => [row.what, row] as const))(
    '%s',
    inScope(async (_, { hex, here }) => {
      const path = fileOf(Buffer.from(hex, 'hex'))
      for (const mmap of [false, true]) {
        const error = await failure(readWhole(path, mmap))
        if (here) expect(error).toBeUndefined()
        else expect(error).toMatchObject({ code: 'ERR_TORCH_FILE_FORMAT', operation: 'Safetensors.open' })
        if (!here) expect((error as Error).message).toContain(path)
      }
    }),
  )

  test('both verdicts occur', () => {
    expect(golden.vectors.filter(({ here }) => here).length).toBeGreaterThan(20)
    expect(golden.vectors.filter(({ here }) => !here).length).toBeGreaterThan(50)
  })
})
