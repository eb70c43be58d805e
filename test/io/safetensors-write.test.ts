import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { Module } from '../../lib/core/module.js'
import { ops } from '../../lib/core/ops.js'
import { Tensor } from '../../lib/core/tensor.js'
import { Safetensors } from '../../lib/io/safetensors.js'
import { readSafetensorsHeader } from '../../lib/io/safetensors-header-file.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { failure } from '../support/safetensors-files.js'

expectNoLeaks()

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

  scopedTest('a tensor and a key of metadata may be called __proto__, as any other', async () => {
    const path = join(temporaryFolder(), 'a.safetensors')
    const metadata = JSON.parse('{"format":"pt","__proto__":"a text"}')
    const tensors: object[] = [
      { ['__proto__']: Tensor.from([1, 2]), x: Tensor.from(3) },
      new Map([
        ['__proto__', Tensor.from([1, 2])],
        ['x', Tensor.from(3)],
      ]),
    ]
    for (const given of tensors) {
      await writeSafetensors(path, given as never, { metadata })
      const opened = await Safetensors.open(path)
      expect(Object.entries(opened.metadata).sort()).toEqual(Object.entries(metadata).sort())
      expect(opened.keys().sort()).toEqual(['__proto__', 'x'])
      const read = await opened.tensors()
      expect([...read.keys()].sort()).toEqual(['__proto__', 'x'])
      expect(await read.get('__proto__')?.toArray()).toEqual([1, 2])
      const header = await readSafetensorsHeader(path, { operation: 'inspect', signal: undefined })
      expect(Object.entries(header.metadata).sort()).toEqual(Object.entries(metadata).sort())
    }
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
    expect(await write({ x, disposed })).toMatchObject({ code: 'ERR_TORCH_DISPOSED', operation: 'writeSafetensors' })
    expect(await write({ x, 'b.weight': 1 })).toMatchObject({
      message: "Expected a Tensor for tensors['b.weight'] but received 1",
      operation: 'writeSafetensors',
    })
    for (const tensors of [
      { x, meta },
      { __metadata__: x },
      { '\ud800': x },
      { x: 5 },
      [x],
      x,
      null,
      'x',
      new Map([[5, x]]),
    ]) {
      expect(await write(tensors)).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
    }
    const throwing = Object.defineProperty({}, 'a', {
      enumerable: true,
      get: () => {
        throw new Error('no')
      },
    })
    for (const metadata of [{ a: 1 }, { a: undefined }, 'a', { a: '\udc00' }, ['a'], new Map(), throwing]) {
      const options = { metadata }
      expect(await write({ x }, options)).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
    }
    const reason = new Error('enough')
    expect(await write({ x }, { signal: AbortSignal.abort(reason) })).toBe(reason)
    for (const target of [join(folder, 'no', 'folder'), folder, join(path, 'x'), join(folder, 'x'.repeat(256))]) {
      const refused = { code: 'ERR_TORCH_DISK', operation: 'writeSafetensors' }
      expect(await failure(writeSafetensors(target, { x }))).toMatchObject(refused)
    }
    expect(readdirSync(folder)).toEqual(['a.safetensors'])
    expect(readFileSync(path)).toEqual(before)
  })
})
