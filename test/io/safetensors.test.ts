import { mkdirSync, readFileSync, symlinkSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ops } from '../../lib/core/ops.js'
import { Tensor } from '../../lib/core/tensor.js'
import { Safetensors } from '../../lib/io/safetensors.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { failure, withHeader } from '../support/safetensors-files.js'

const both = [[false], [true]]

expectNoLeaks()
afterEach(() => vi.unstubAllEnvs())

describe('reading', () => {
  scopedTest('a dtype that tensors cannot have is refused when its tensor is asked for, not before', async () => {
    const header =
      '{"f":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]},"u":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}}'
    const opened = await Safetensors.open(withHeader(header, Buffer.from([1, 2, 3, 7])))
    expect(opened.info('f')).toEqual({ dtype: 'F6_E2M3', shape: [4], bytes: 3 })
    expect(await (await opened.tensor('u')).toArray()).toEqual([7])
    for (const attempt of [opened.tensor('f'), opened.slice('f', 0, 1), opened.tensors()]) {
      expect(await failure(attempt)).toMatchObject({ code: 'ERR_TORCH_DTYPE', message: expect.stringContaining("'f'") })
    }
  })

  test.each(both)(
    'F4 is read as bytes of two numbers each, and not where a part would end within one, mmap: %s',
    inScope(async (mmap) => {
      const entry = (shape: number[], begin: number, end: number) =>
        `{"dtype":"F4","shape":${JSON.stringify(shape)},"data_offsets":[${begin},${end}]}`
      const header = `{"x":${entry([3, 4], 0, 6)},"row":${entry([8], 6, 10)},"odd":${entry([4, 3], 10, 16)}}`
      const buffer = Buffer.from(Array.from({ length: 16 }, (_, i) => 17 * i))
      const opened = await Safetensors.open(withHeader(header, buffer), { mmap: mmap as boolean })
      expect(opened.info('x')).toEqual({ dtype: 'F4', shape: [3, 4], bytes: 6 })
      const bytesOf = async (tensor: Tensor) => [tensor.shape, ...(await tensor.data('float4_e2m1fn_x2'))]
      expect(await bytesOf(await opened.tensor('x'))).toEqual([[3, 2], 0, 17, 34, 51, 68, 85])
      expect(await bytesOf(await opened.tensor('row'))).toEqual([[4], 102, 119, 136, 153])
      expect(await bytesOf(await opened.slice('x', 1, 3))).toEqual([[2, 2], 34, 51, 68, 85])
      expect(await bytesOf(await opened.slice('x', 2, 2))).toEqual([[0, 2]])
      expect(await opened.tensor('x', { device: 'meta' })).toMatchObject({ shape: [3, 2], nbytes: 6 })
      for (const attempt of [opened.tensor('odd'), opened.slice('odd', 0, 2), opened.slice('row', 0, 4)]) {
        expect(await failure(attempt)).toMatchObject({
          code: 'ERR_TORCH_SHAPE',
          message: expect.stringMatching(/'(odd|row)'.* F4 \[(4, 3|8)\]/),
        })
      }
      const converted = failure(opened.tensor('x', { dtype: 'bfloat16' }))
      expect(await converted).toMatchObject({ code: 'ERR_TORCH_DTYPE', operation: 'safetensors.tensor' })
    }),
  )

  scopedTest('float4 is written as F4 from where it lies, and a scalar of it is refused', async () => {
    const dtype = 'float4_e2m1fn_x2'
    const path = join(temporaryFolder(), 'a.safetensors')
    const x = Tensor.from(Uint8Array.of(1, 2, 3, 4, 5, 6), [2, 3], { dtype })
    await writeSafetensors(path, { flipped: await ops.transpose(x, 0, 1) })
    const opened = await Safetensors.open(path)
    expect(opened.info('flipped')).toEqual({ dtype: 'F4', shape: [3, 4], bytes: 6 })
    expect([...(await (await opened.tensor('flipped')).data())]).toEqual([1, 4, 2, 5, 3, 6])
    const scalar = Tensor.from(Uint8Array.of(1), [], { dtype })
    expect(await failure(writeSafetensors(path, { scalar }))).toMatchObject({
      code: 'ERR_TORCH_SHAPE',
      message: "Expected a last dimension whose numbers F4 can count for 'scalar' but received a scalar",
    })
    expect((await Safetensors.open(path)).keys()).toEqual(['flipped'])
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
    const weights = { 'layer1.weight': Tensor.from(1), ['__proto__' as string]: Tensor.from(2) }
    await writeSafetensors(path, weights)
    const opened = await Safetensors.open(pathToFileURL(path))
    expect(await (await opened.tensor('__proto__')).item()).toBe(2)
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

  test.each(both)(
    'tensors come in the dtype and on the device that is asked for, mmap: %s',
    inScope(async (mmap) => {
      const path = join(temporaryFolder(), 'a.safetensors')
      await writeSafetensors(path, {
        x: Tensor.from([
          [1, 2.5],
          [-3, 0.1],
        ]),
        count: Tensor.from([7], undefined, { dtype: 'int64' }),
        half: Tensor.from(new Uint16Array([0x3800]), [1], { dtype: 'float16' }),
      })
      const opened = await Safetensors.open(path, { mmap: mmap as boolean })
      const asTheyAre = await opened.tensors(undefined, { device: 'cpu' })
      expect([...asTheyAre].map(([name, { dtype }]) => [name, dtype]).sort()).toEqual([
        ['count', 'int64'],
        ['half', 'float16'],
        ['x', 'float32'],
      ])
      const halves = await opened.tensors(['x', 'count', 'half'], { dtype: 'float16' })
      expect([...halves.values()].map(({ dtype }) => dtype)).toEqual(['float16', 'int64', 'float16'])
      expect(await halves.get('x')?.toArray()).toEqual([
        [1, 2.5],
        [-3, Math.fround(0.0999755859375)],
      ])
      expect(await halves.get('count')?.toArray()).toEqual([7n])
      const part = await opened.slice('x', 1, 2, { dtype: 'float64' })
      expect(part.dtype).toBe('float64')
      expect(await part.toArray()).toEqual([[-3, Math.fround(0.1)]])
      const described = await opened.tensor('x', { device: 'meta', dtype: 'bfloat16' })
      expect([described.device, described.dtype, described.shape]).toEqual(['meta', 'bfloat16', [2, 2]])
      expect(await failure(opened.tensor('x', { device: 'cuda:99' }))).toMatchObject({ code: 'ERR_TORCH_DEVICE' })
      expect(await failure(opened.tensor('x', { device: 'nowhere' }))).toMatchObject({ code: 'ERR_TORCH_DEVICE' })
      const dtype = failure(opened.tensor('x', { dtype: 'half' as never }))
      expect(await dtype).toMatchObject({
        code: 'ERR_TORCH_INVALID_ARGUMENT',
        message: expect.stringContaining('dtype'),
      })
    }),
  )

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
    expect(await failure(Safetensors.open(withHeader(wide)))).toMatchObject({
      code: 'ERR_TORCH_FILE_FORMAT',
      message: expect.stringMatching(/^Expected strides below 2\^63 for tensor 'x' but received a larger shape, in /),
    })
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
    const missing = join(folder, 'missing')
    expect(await failure(Safetensors.open(pathToFileURL(missing).href))).toMatchObject({
      ...{ code: 'ERR_TORCH_DISK', operation: 'Safetensors.open' },
      message: expect.stringContaining(missing),
    })
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
