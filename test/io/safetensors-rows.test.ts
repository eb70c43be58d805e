// Files that grow row by row: the same bytes as those written at once, and nothing left where they do not come to an end.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import { Safetensors, writeSafetensors } from '../../lib/io/index.js'
import { SafetensorsRows, type TensorRow } from '../../lib/io/safetensors-rows.js'
import { expectNoLeaks } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { mayMount, smallDisk } from '../support/small-disk.js'

expectNoLeaks()

const row = (shape: number[], first: number): TensorRow => ({
  shape,
  values: Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, i) => first + i / 7),
})
const rowsOf = (index: number) =>
  new Map([
    ['b.conv', row([2, 3, 4], index)],
    ['a', row([5], -index)],
    ['é', row([], 100 * index)],
  ])
const target = () => join(temporaryFolder(), 'rows.safetensors')
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

test('hold what was appended, in the bytes of a file that is written at once', () =>
  scope(async () => {
    const path = target()
    const saving = await SafetensorsRows.create(path)
    for (let i = 0; i < 20; i++) await saving.append(rowsOf(i))
    expect(saving.rows).toBe(20)
    expect(readdirSync(join(path, '..'))).not.toContain('rows.safetensors') // not before it is complete
    await saving.finish({ files: '["ü"]' })
    expect(readdirSync(join(path, '..'))).toEqual(['rows.safetensors'])

    const whole = (name: string, shape: number[]) => {
      const rows = Array.from({ length: 20 }, (_, i) => [...(rowsOf(i).get(name)?.values ?? [])])
      return Tensor.from(new Float32Array(rows.flat()), [20, ...shape])
    }
    const tensors = { 'b.conv': whole('b.conv', [2, 3, 4]), a: whole('a', [5]), é: whole('é', []) }
    const atOnce = target()
    await writeSafetensors(atOnce, tensors, { metadata: { files: '["ü"]' } })
    expect(sha256(path)).toBe(sha256(atOnce))
    expect((await Safetensors.open(path)).keys()).toEqual(['a', 'b.conv', 'é'])
  }))

test('of any names and metadata, in the bytes of a file that is written at once', () =>
  scope(async () => {
    const names = [
      '0',
      '10',
      '2',
      '__proto__',
      'layer1',
      '',
      'é',
      '\u{1f600}',
      '\u2028',
      'q"\\/\n\x01\x7f',
      'constructor',
    ]
    const metadata = JSON.parse('{"format":"pt","10":"b","9":"a","é\\n":"\\"\\u0001"}')
    const path = target()
    const saving = await SafetensorsRows.create(path)
    await saving.append(new Map(names.map((name, i) => [name, row([2], i)])))
    await saving.finish(metadata)
    const tensors = names.map((name, i): [string, Tensor] => [name, Tensor.from(row([2], i).values, [1, 2])])
    const atOnce = target()
    await writeSafetensors(atOnce, new Map(tensors), { metadata })
    expect(sha256(path)).toBe(sha256(atOnce))
    const opened = await Safetensors.open(path)
    expect(opened.keys().slice(0, 5)).toEqual(['', '0', '10', '2', '__proto__'])
    for (const [name, tensor] of await opened.tensors()) {
      expect(await tensor.toArray()).toEqual([[...row([2], names.indexOf(name)).values]])
    }
  }))

test('may be views of larger arrays, and larger than a slice of the copy', () =>
  scope(async () => {
    const path = target()
    const saving = await SafetensorsRows.create(path)
    const large = Float32Array.from({ length: 3_000_000 }, (_, i) => i % 1009)
    await saving.append(new Map([['x', { shape: [1_499_999], values: large.subarray(1, 1_500_000) }]]))
    await saving.append(new Map([['x', { shape: [1_499_999], values: large.subarray(1_500_001) }]]))
    await saving.finish({})
    const stored = (await (await Safetensors.open(path)).tensors()).get('x') as Tensor
    expect(stored.shape).toEqual([2, 1_499_999])
    const expected = Float32Array.from([...large.subarray(1, 1_500_000), ...large.subarray(1_500_001)])
    const same = Buffer.from((await stored.data('float32')).buffer).equals(Buffer.from(expected.buffer))
    expect(same).toBe(true)
  }))

describe('a file that does not come to an end', () => {
  test('leaves nothing behind, and the old file as it was', async () => {
    const path = target()
    writeFileSync(path, 'old')
    const saving = await SafetensorsRows.create(path)
    await saving.append(rowsOf(1))
    await saving.discard()
    await saving.discard()
    expect(readdirSync(join(path, '..'))).toEqual(['rows.safetensors'])
    expect(readFileSync(path, 'utf8')).toBe('old')
  })

  test('because of an abort while it is put together', async () => {
    const path = target()
    const saving = await SafetensorsRows.create(path)
    await saving.append(rowsOf(1))
    await expect(saving.finish({}, AbortSignal.abort('enough'))).rejects.toBe('enough')
    await saving.discard()
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  // 100 kB of rows: more than fits, or as much as fits once but not twice.
  test.runIf(mayMount).each([64, 160])('because a disk of %i kB is full', async (kilobytes) => {
    const folder = smallDisk(kilobytes)
    const saving = await SafetensorsRows.create(join(folder, 'rows.safetensors'))
    const fill = async () => {
      for (let i = 0; i < 5; i++) await saving.append(new Map([['a', row([5120], i)]]))
      await saving.finish({})
    }
    await expect(fill()).rejects.toMatchObject({
      code: 'ERR_TORCH_DISK',
      message: expect.stringContaining('the disk is full'),
    })
    await saving.discard()
    expect(readdirSync(folder)).toEqual([])
  })

  test.each(['shortened', 'emptied'])('because a file of rows was %s meanwhile', async (how) => {
    const path = target()
    const folder = join(path, '..')
    const saving = await SafetensorsRows.create(path)
    await saving.append(new Map([['a', row([1000], 0)]]))
    const [column] = readdirSync(folder).filter((name) => name.endsWith('.partial.0')) as [string]
    truncateSync(join(folder, column), how === 'shortened' ? 100 : 0)
    await expect(saving.finish({})).rejects.toMatchObject({
      code: 'ERR_TORCH_DISK',
      message: expect.stringContaining(`${column} to hold 4000 bytes`),
    })
    await saving.discard()
    expect(readdirSync(folder)).toEqual([])
  })

  test.each(['__metadata__', 'half of a pair: \ud83d'])('because a tensor cannot be named %j', async (name) => {
    const path = target()
    const saving = await SafetensorsRows.create(path)
    await expect(saving.append(new Map([[name, row([2], 0)]]))).rejects.toMatchObject({
      code: 'ERR_TORCH_INVALID_ARGUMENT',
    })
    await saving.discard()
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  test('because of a row of another shape, or of another tensor', async () => {
    const path = target()
    const saving = await SafetensorsRows.create(path)
    await saving.append(new Map([['a', row([2], 0)]]))
    await expect(saving.append(new Map([['a', row([3], 0)]]))).rejects.toMatchObject({
      code: 'ERR_TORCH_SHAPE',
      message: 'Expected [2] for a but received [3]',
    })
    await expect(saving.append(new Map([['b', row([2], 0)]]))).rejects.toMatchObject({
      code: 'ERR_TORCH_SHAPE',
      message: 'Expected no such tensor for b but received [2]',
    })
    await saving.discard()
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  test('because it cannot be written: that is said before any row', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'taken'))
    writeFileSync(join(folder, 'file'), '')
    for (const name of ['taken', 'none/rows.safetensors', 'file/rows.safetensors']) {
      const path = join(folder, name)
      await expect(SafetensorsRows.create(path)).rejects.toMatchObject({
        code: 'ERR_TORCH_DISK',
        message: expect.stringContaining(path),
      })
    }
    expect(readdirSync(folder).sort()).toEqual(['file', 'taken'])
  })
})
