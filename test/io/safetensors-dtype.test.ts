// Tensors of a file in another precision than it has, which are read and converted in pieces of a mebibyte.
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { DType } from '../../lib/core/dtype.js'
import { operators } from '../../lib/core/operators.js'
import { scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import { Safetensors } from '../../lib/io/safetensors.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'

expectNoLeaks()

/** Of no piece, of a part of one, of one in some precision, and of several whose last is not whole. */
const shapes = [[0, 3], [], [5], [2 ** 18], [2 ** 18 + 1], [3, 700_001], [400, 9, 50]]

async function written(dtype: DType): Promise<string> {
  const file = join(temporaryFolder(), 'model.safetensors')
  await scope(async () => {
    const tensors = new Map([['count', Tensor.from(7n)]])
    for (const shape of shapes) tensors.set(`of ${shape}`, await operators.randn(shape).then((x) => x.to({ dtype })))
    await writeSafetensors(file, tensors)
  })
  return file
}

describe.each<DType>(['float64', 'float32', 'float16', 'bfloat16'])('stored in %s', (dtype) => {
  test.each([false, true])('come as float32 with the numbers that were stored, mmap: %s', async (mmap) => {
    await scope(async () => {
      const file = await Safetensors.open(await written(dtype), { mmap })
      const read = await file.tensors(undefined, { dtype: 'float32' })
      expect([...read.keys()]).toEqual(file.keys())
      for (const [name, tensor] of read) {
        const stored = await file.tensor(name)
        const wanted = name === 'count' ? stored : await stored.to({ dtype: 'float32' })
        expect([tensor.dtype, tensor.shape]).toEqual([wanted.dtype, wanted.shape])
        expect(await operators.equal(tensor, wanted)).toBe(true)
      }
    })
  })

  scopedTest('come as rows', async () => {
    const file = await Safetensors.open(await written(dtype))
    const rows = await file.slice('of 3,700001', 1, 3, { dtype: 'float32' })
    const wanted = await operators.narrow(await file.tensor('of 3,700001'), 0, 1, 2)
    expect(await operators.equal(rows, await wanted.to({ dtype: 'float32' }))).toBe(true)
  })

  test('are given up with the reason, and leave nothing', async () => {
    const path = await written(dtype)
    await scope(async () => {
      const file = await Safetensors.open(path)
      for (const milliseconds of [0, 1, 3, 9]) {
        const controller = new AbortController()
        setTimeout(() => controller.abort('enough'), milliseconds)
        const read = file.tensors(undefined, { dtype: 'float32', signal: controller.signal })
        const outcome = await read.catch((error) => error)
        if (!(outcome instanceof Map)) expect(outcome).toBe('enough')
      }
    })
  })
})
