import { mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type DType, dtypes } from '../../lib/core/dtype.js'
import { Module } from '../../lib/core/module.js'
import { ops } from '../../lib/core/ops.js'
import { Tensor } from '../../lib/core/tensor.js'
import { Safetensors } from '../../lib/io/safetensors.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { repositoryRoot } from '../support/source-files.js'

interface GoldenTensor {
  name: string
  dtype: DType
  shape: number[]
  hex: string
}
interface Golden {
  files: { what: string; metadata: Record<string, string> | null; tensors: GoldenTensor[]; hex: string }[]
  vectors: { what: string; hex: string; here: boolean }[]
}

const golden: Golden = JSON.parse(readFileSync(join(repositoryRoot, 'test', 'golden', 'safetensors.json'), 'utf8'))
const both = [[false], [true]]

expectNoLeaks()
afterEach(() => vi.unstubAllEnvs())

function tensorOf({ dtype, shape, hex }: GoldenTensor): Tensor {
  const { buffer } = new Uint8Array(Buffer.from(hex, 'hex'))
  return Tensor.from(new dtypes[dtype].array(buffer as ArrayBuffer), shape, { dtype })
}

async function hexOf(tensor: Tensor): Promise<string> {
  const { buffer, byteOffset, byteLength } = await tensor.data()
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('hex')
}

function file(bytes: string | Uint8Array, name = 'a.safetensors'): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, bytes)
  return path
}

/** A file with this header, whatever it says. */
function withHeader(header: string, buffer: Uint8Array = new Uint8Array()): string {
  const text = Buffer.from(header)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return file(Buffer.concat([length, text, buffer]))
}

const failure = (promise: Promise<unknown>) => promise.then(() => undefined).catch((error: unknown) => error)

describe('files of the Rust writer', () => {
  test.each(both.flatMap(([mmap]) => golden.files.map((row) => [row.what, mmap, row] as const)))(
    '%s are read, mmap: %s',
    inScope(async (_, mmap, { hex, tensors, metadata }) => {
      const opened = await Safetensors.open(file(Buffer.from(hex, 'hex')), { mmap: mmap === true })
      expect(opened.keys().sort()).toEqual(tensors.map(({ name }) => name).sort())
      expect(opened.metadata).toEqual(metadata ?? {})
      const all = await opened.tensors()
      for (const { name, dtype, shape, hex } of tensors) {
        expect(opened.info(name)).toEqual({ dtype, shape, bytes: hex.length / 2 })
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
      const path = file(Buffer.from(hex, 'hex'))
      for (const mmap of [false, true]) {
        const error = await failure(Safetensors.open(path, { mmap }))
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

describe('reading', () => {
  scopedTest('a dtype that tensors cannot have is refused when its tensor is asked for, not before', async () => {
    const header =
      '{"f":{"dtype":"F4","shape":[2],"data_offsets":[0,1]},"u":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}'
    const opened = await Safetensors.open(withHeader(header, Buffer.from([0x21, 7])))
    expect(opened.info('f')).toEqual({ dtype: 'F4', shape: [2], bytes: 1 })
    expect(await (await opened.tensor('u')).toArray()).toEqual([7])
    for (const attempt of [opened.tensor('f'), opened.slice('f', 0, 1), opened.tensors()]) {
      expect(await failure(attempt)).toMatchObject({ code: 'ERR_TORCH_DTYPE', message: expect.stringContaining("'f'") })
    }
  })

  test.each(both)(
    'slices are those of Array.prototype.slice, mmap: %s',
    inScope(async (mmap) => {
      const rows = [0, 1, 2, 3, 4].map((i) => [3 * i, 3 * i + 1, 3 * i + 2])
      const path = join(temporaryFolder(), 'a.safetensors')
      await writeSafetensors(path, { x: Tensor.from(rows, undefined, { dtype: 'int16' }), s: Tensor.from(1) })
      const opened = await Safetensors.open(path, { mmap: mmap as boolean })
      for (const start of [-9, -2, 0, 1, 4, 5, 9]) {
        for (const stop of [undefined, -9, -1, 0, 2, 5, 9]) {
          const part = await opened.slice('x', start, stop)
          expect(part.shape).toEqual([rows.slice(start, stop).length, 3])
          expect(await part.toArray()).toEqual(rows.slice(start, stop))
        }
      }
      expect(await failure(opened.slice('s', 0))).toMatchObject({ code: 'ERR_TORCH_SHAPE' })
      for (const row of [0.5, Number.NaN, '1', null]) {
        const wrong = failure(opened.slice('x', row as number))
        expect(await wrong).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
      }
    }),
  )

  scopedTest('names that the file has not, and what is no name, are refused, the nearest name is given', async () => {
    const path = join(temporaryFolder(), 'a.safetensors')
    await writeSafetensors(path, { 'layer1.weight': Tensor.from(1), __proto__: Tensor.from(2) })
    const opened = await Safetensors.open(pathToFileURL(path))
    for (const name of ['layer1.weigth', 'toString', '', 5, null, Symbol('x'), {}] as string[]) {
      for (const attempt of [opened.tensor(name), opened.slice(name, 0), opened.tensors([name])]) {
        expect(await failure(attempt)).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
      }
      expect(() => opened.info(name)).toThrow('Expected the name of a tensor')
    }
    expect(() => opened.info('layer1.weigth')).toThrow("did you mean 'layer1.weight'?")
    expect([...(await opened.tensors(['layer1.weight', 'layer1.weight'])).keys()]).toEqual(['layer1.weight'])
    expect((await opened.tensors([])).size).toBe(0)
    for (const names of [5, null, {}]) {
      expect(await failure(opened.tensors(names as never))).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
    }
  })

  scopedTest('mapped tensors share memory with each other, never with the file', async () => {
    const path = join(temporaryFolder(), 'a.safetensors')
    await writeSafetensors(path, { x: Tensor.from([1, 2, 3]) })
    const before = readFileSync(path)
    for (const mmap of [false, true]) {
      const opened = await Safetensors.open(path, { mmap })
      expect(opened.mapped).toBe(mmap)
      const [first, second] = [await opened.tensor('x'), await opened.tensor('x')]
      opened.dispose()
      const module = await ops.add(first, 1)
      expect(await module.toArray()).toEqual([2, 3, 4])
      await ops.zero_(first)
      expect(await second.toArray()).toEqual(mmap ? [0, 0, 0] : [1, 2, 3])
    }
    expect(readFileSync(path)).toEqual(before)
  })

  scopedTest('tensors outlive the file, its name and its Safetensors', async () => {
    const path = join(temporaryFolder(), 'a.safetensors')
    await writeSafetensors(path, { x: Tensor.from(new Float32Array(3_000_000).fill(0.5)) })
    const opened = await Safetensors.open(path, { mmap: true })
    const pending = opened.tensor('x')
    opened.dispose()
    opened.dispose()
    await writeSafetensors(path, { x: Tensor.from([1]) })
    const sum = await ops.sum(await pending)
    expect(await sum.item()).toBe(1_500_000)
    expect(opened.disposed).toBe(true)
    expect(() => opened.keys()).toThrow(expect.objectContaining({ code: 'ERR_TORCH_DISPOSED' }))
    expect(await failure(opened.tensor('x'))).toMatchObject({ code: 'ERR_TORCH_DISPOSED' })
  })

  scopedTest('a file that has become shorter since it was opened is a typed error', async () => {
    const path = join(temporaryFolder(), 'a.safetensors')
    await writeSafetensors(path, { x: Tensor.from(new Float32Array(2_000_000)), y: Tensor.from(1) })
    const opened = await Safetensors.open(path)
    truncateSync(path, 5_000_000)
    expect(await failure(opened.tensors())).toMatchObject({ code: 'ERR_TORCH_FILE_FORMAT' })
    expect(await (await opened.slice('x', 0, 2)).toArray()).toEqual([0, 0])
    for (const mmap of [false, true]) {
      expect(await failure(Safetensors.open(path, { mmap }))).toMatchObject({ code: 'ERR_TORCH_FILE_FORMAT' })
    }
  })

  scopedTest('100,000 tensors are opened and read', async () => {
    const entries = Array.from(
      { length: 100_000 },
      (_, i) => `"layers.${i}.weight":{"dtype":"I16","shape":[],"data_offsets":[${2 * i},${2 * i + 2}]}`,
    )
    const buffer = Buffer.alloc(200_000, Buffer.from([1, 0]))
    const opened = await Safetensors.open(withHeader(`{${entries.join()}}`, buffer))
    expect(opened.keys().length).toBe(100_000)
    expect(opened.keys().at(-1)).toBe('layers.99999.weight')
    expect(await (await opened.tensor('layers.54321.weight')).item()).toBe(1)
    expect(await failure(opened.tensor('nothing'))).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
  })

  scopedTest('a tensor of a thousand dimensions and one whose strides overflow do not crash', async () => {
    const shape = `[${Array(1000).fill(1)}]`
    const deep = await Safetensors.open(
      withHeader(`{"x":{"dtype":"U8","shape":${shape},"data_offsets":[0,1]}}`, Buffer.from([7])),
    )
    expect((await deep.tensor('x')).shape.length).toBe(1000)
    const wide = '{"x":{"dtype":"U8","shape":[0,1099511627776,1099511627776],"data_offsets":[0,0]}}'
    const opened = await Safetensors.open(withHeader(wide))
    expect(opened.info('x').shape[1]).toBe(2 ** 40)
    expect(await failure(opened.tensor('x'))).toMatchObject({ code: 'ERR_TORCH_FILE_FORMAT' })
  })

  scopedTest('an abort before, and while the file is read, rejects with the reason', async () => {
    const path = join(temporaryFolder(), 'a.safetensors')
    await writeSafetensors(path, { x: Tensor.from(new Float32Array(20_000_000)) })
    const reason = new Error('enough')
    const aborted = AbortSignal.abort(reason)
    expect(await failure(Safetensors.open(path, { signal: aborted }))).toBe(reason)
    const opened = await Safetensors.open(path)
    expect(await failure(opened.tensor('x', { signal: aborted }))).toBe(reason)
    const controller = new AbortController()
    const pending = failure(opened.tensors(undefined, { signal: controller.signal }))
    setTimeout(() => controller.abort(reason), 3)
    expect(await pending).toBe(reason)
  })

  test('what is no file and what is no path is a typed error', async () => {
    const folder = temporaryFolder()
    for (const path of [join(folder, 'missing'), folder, '/dev/null']) {
      const error = await failure(Safetensors.open(path))
      expect(error).toMatchObject({ code: 'ERR_TORCH_DISK', message: expect.stringContaining(path) })
    }
    for (const path of ['', 'a\0b', 5, null, new URL('https://localhost/x'), {}]) {
      expect(await failure(Safetensors.open(path as string))).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
    }
    const unknown = failure(Safetensors.open(folder, { mmapped: true } as never))
    expect(await unknown).toMatchObject({ code: 'ERR_TORCH_UNKNOWN_OPTION' })
    expect(() => Safetensors.prototype.keys.call({} as Safetensors)).toThrow('Expected Safetensors')
    expect(() => new (Safetensors as unknown as { new (): unknown })()).toThrow('Expected Safetensors.open')
  })
})

describe('without the mmap option', () => {
  scopedTest('blobs of the hub cache are mapped, all other files are read', async () => {
    const cache = temporaryFolder()
    vi.stubEnv('HF_HUB_CACHE', cache)
    const repository = join(cache, 'models--timm--net')
    for (const folder of ['blobs', 'snapshots/c0ffee']) mkdirSync(join(repository, folder), { recursive: true })
    await writeSafetensors(join(repository, 'blobs', 'abc'), { x: Tensor.from(1) })
    await writeSafetensors(join(repository, 'snapshots', 'c0ffee', 'copy.safetensors'), { x: Tensor.from(1) })
    const link = join(repository, 'snapshots', 'c0ffee', 'model.safetensors')
    symlinkSync('../../blobs/abc', link)
    expect((await Safetensors.open(link)).mapped).toBe(true)
    expect((await Safetensors.open(link, { mmap: false })).mapped).toBe(false)
    expect((await Safetensors.open(join(repository, 'snapshots', 'c0ffee', 'copy.safetensors'))).mapped).toBe(false)
    vi.stubEnv('HF_HUB_CACHE', temporaryFolder())
    expect((await Safetensors.open(link)).mapped).toBe(false)
  })
})

describe('an index and its files', () => {
  async function shardedModel(weightMap: unknown, extra: object = {}): Promise<string> {
    const folder = temporaryFolder()
    await writeSafetensors(join(folder, 'one.safetensors'), { a: Tensor.from([1, 2]), b: Tensor.from([3]) })
    await writeSafetensors(join(folder, 'two.safetensors'), { c: Tensor.from([4]), unlisted: Tensor.from([5]) })
    const index = join(folder, 'model.safetensors.index.json')
    writeFileSync(index, JSON.stringify({ weight_map: weightMap, ...extra }))
    return index
  }

  test.each(both)(
    'are one set of tensors, mmap: %s',
    inScope(async (mmap) => {
      const weights = { c: 'two.safetensors', a: 'one.safetensors', b: 'one.safetensors' }
      const path = await shardedModel(weights, { metadata: { total_size: 16, format: 'pt' } })
      const opened = await Safetensors.open(path, { mmap: mmap as boolean })
      expect(opened.keys().sort()).toEqual(['a', 'b', 'c'])
      expect(opened.metadata).toEqual({ total_size: '16', format: 'pt' })
      expect(opened.mapped).toBe(mmap)
      const all = await opened.tensors(['b', 'c', 'a'])
      expect([...all.keys()]).toEqual(['b', 'c', 'a'])
      expect(await Promise.all([...all.values()].map((tensor) => tensor.toArray()))).toEqual([[3], [4], [1, 2]])
      expect(await (await opened.slice('a', 1)).toArray()).toEqual([2])
    }),
  )

  test.each<[string, unknown]>([
    ['no weight_map', undefined],
    ['a weight_map that is an array', ['one.safetensors']],
    ['a file that is a number', { a: 1 }],
    ['a file outside', { a: '../one.safetensors' }],
    ['a file outside, by a detour', { a: 'x/../../one.safetensors' }],
    ['an absolute path', { a: '/etc/passwd' }],
    ['an empty name', { a: '' }],
    ['a tensor that its file has not', { a: 'one.safetensors', c: 'one.safetensors' }],
  ])(
    'with %s are a typed error',
    inScope(async (_, weightMap) => {
      const error = await failure(Safetensors.open(await shardedModel(weightMap)))
      expect(error).toMatchObject({ code: 'ERR_TORCH_FILE_FORMAT' })
    }),
  )

  scopedTest('of which one is missing or damaged, or whose index is no JSON, are a typed error', async () => {
    const missing = failure(Safetensors.open(await shardedModel({ a: 'one.safetensors', d: 'three.safetensors' })))
    expect(await missing).toMatchObject({ code: 'ERR_TORCH_DISK' })
    const path = await shardedModel({ a: 'one.safetensors', c: 'two.safetensors' })
    truncateSync(join(path, '..', 'two.safetensors'), 20)
    expect(await failure(Safetensors.open(path))).toMatchObject({ code: 'ERR_TORCH_FILE_FORMAT' })
    for (const text of ['', '[]', '{', 'null']) {
      const index = failure(Safetensors.open(file(text, 'x.index.json')))
      expect(await index).toMatchObject({ code: 'ERR_TORCH_FILE_FORMAT', operation: 'Safetensors.open' })
    }
  })
})

describe('writing', () => {
  scopedTest('views, transposed and conjugate tensors are stored as their values', async () => {
    const path = join(temporaryFolder(), 'a.safetensors')
    const grid = Tensor.from([
      [1, 2, 3],
      [4, 5, 6],
    ])
    const conj = await Module.fromSource('def forward(self, x):\n    return torch.conj(x)\n')
    const pair = Tensor.from(new Float32Array([1, 2]), undefined, { dtype: 'complex64' })
    await writeSafetensors(path, {
      transposed: await ops.transpose(grid, 0, 1),
      row: await ops.select(grid, 0, 1),
      conjugate: (await conj.forward(pair)) as Tensor,
    })
    const opened = await Safetensors.open(path)
    expect(await (await opened.tensor('conjugate')).toArray()).toEqual([[1, -2]])
    expect(await (await opened.tensor('transposed')).toArray()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ])
    expect(await (await opened.tensor('row')).toArray()).toEqual([4, 5, 6])
  })

  scopedTest('what was called before is in the file, and a tensor may be disposed meanwhile', async () => {
    const path = join(temporaryFolder(), 'a.safetensors')
    const x = Tensor.from(new Float32Array(1_000_000))
    const added = ops.fill_(x, 3)
    const written = writeSafetensors(path, { x })
    x.dispose()
    await Promise.all([added, written])
    const sum = await ops.sum(await (await Safetensors.open(path)).tensor('x'))
    expect(await sum.item()).toBe(3_000_000)
  })

  scopedTest('what cannot be written is refused, and leaves the old file and no other', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'a.safetensors')
    await writeSafetensors(path, { x: Tensor.from([1]) })
    const before = readFileSync(path)
    const x = Tensor.from([2])
    const disposed = Tensor.from([3])
    disposed.dispose()
    const complex = Tensor.from(new Float64Array(2), undefined, { dtype: 'complex128' })
    const meta = await ops.zeros([2], { device: 'meta' })
    const write = (tensors: unknown, options?: object) => failure(writeSafetensors(path, tensors as never, options))
    expect(await write({ x, complex })).toMatchObject({ code: 'ERR_TORCH_DTYPE', operation: 'writeSafetensors' })
    expect(await write({ x, disposed })).toMatchObject({ code: 'ERR_TORCH_DISPOSED' })
    for (const tensors of [
      { x, meta },
      { __metadata__: x },
      { '\ud800': x },
      { x: 5 },
      [x],
      null,
      'x',
      new Map([[5, x]]),
    ]) {
      expect(await write(tensors)).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
    }
    for (const options of [{ metadata: { a: 1 } }, { metadata: 'a' }, { metadata: { a: '\udc00' } }]) {
      expect(await write({ x }, options)).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
    }
    const reason = new Error('enough')
    expect(await write({ x }, { signal: AbortSignal.abort(reason) })).toBe(reason)
    expect(await failure(writeSafetensors(join(folder, 'no', 'folder'), { x }))).toMatchObject({
      code: 'ERR_TORCH_DISK',
    })
    expect(await failure(writeSafetensors(folder, { x }))).toMatchObject({ code: 'ERR_TORCH_DISK' })
    expect(readdirSync(folder)).toEqual(['a.safetensors'])
    expect(readFileSync(path)).toEqual(before)
  })
})
