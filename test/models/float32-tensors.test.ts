// Weights of any precision become float32, whatever they are read in: groups, rows or all at once.
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { DType } from '../../lib/core/dtype.js'
import { operators } from '../../lib/core/operators.js'
import { scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import { Safetensors } from '../../lib/io/safetensors.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { float32Tensors } from '../../lib/models/float32-tensors.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'

expectNoLeaks()

/** Above and below what is read at once, in rows that are short, long, or longer than that. */
const shapes = [[], [0, 3], [5], [700_001], [3, 100_000], [400, 9, 50], [1, 300_000], [2, 200_000]]

async function written(dtype: DType): Promise<string> {
  const file = join(temporaryFolder(), 'model.safetensors')
  await scope(async () => {
    const tensors = new Map([['count', Tensor.from(7n)]])
    for (const shape of shapes) tensors.set(`of ${shape}`, await operators.randn(shape).then((x) => x.to({ dtype })))
    await writeSafetensors(file, tensors)
  })
  return file
}

scopedTest('one without elements comes, too, where it is the first', async () => {
  const path = join(temporaryFolder(), 'model.safetensors')
  await writeSafetensors(path, { empty: await operators.zeros([0, 3], { dtype: 'float16' }) })
  const file = await Safetensors.open(path)
  const read = await float32Tensors(file, file.keys(), { dtype: 'float32', signal: undefined })
  expect([...read].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([['empty', 'float32', [0, 3]]])
})

describe.each<DType>(['float64', 'float32', 'float16', 'bfloat16'])('stored in %s', (dtype) => {
  scopedTest('come as float32 with the numbers that were stored', async () => {
    const file = await Safetensors.open(await written(dtype))
    const names = file.keys()
    const read = await float32Tensors(file, names, { dtype: 'float32', signal: undefined })
    expect([...read.keys()].sort()).toEqual([...names].sort())
    for (const [name, tensor] of read) {
      const wanted = await file.tensor(name, { dtype: 'float32' })
      expect([tensor.dtype, tensor.shape]).toEqual([name === 'count' ? 'int64' : 'float32', wanted.shape])
      expect(await operators.equal(tensor, wanted)).toBe(true)
    }
  })

  test('are given up with the reason, and leave nothing', async () => {
    const path = await written(dtype)
    await scope(async () => {
      const file = await Safetensors.open(path)
      for (const milliseconds of [0, 1, 3, 9]) {
        const controller = new AbortController()
        setTimeout(() => controller.abort('enough'), milliseconds)
        const read = float32Tensors(file, file.keys(), { dtype: 'float32', signal: controller.signal })
        const outcome = await read.catch((error) => error)
        if (!(outcome instanceof Map)) expect(outcome).toBe('enough')
      }
    })
  })
})
