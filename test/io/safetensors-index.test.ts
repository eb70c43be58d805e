import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Tensor } from '../../lib/core/tensor.js'
import { Safetensors } from '../../lib/io/safetensors.js'
import { readSafetensorsHeader } from '../../lib/io/safetensors-header-file.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { failure, fileOf } from '../support/safetensors-files.js'

const both = [[false], [true]]

expectNoLeaks()

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

  scopedTest('are listed in the order of the index, whatever the names are', async () => {
    const folder = temporaryFolder()
    const shards = { 'one.safetensors': ['a', '2', '__proto__'], 'two.safetensors': ['b', '10', '1'] }
    for (const [shard, names] of Object.entries(shards)) {
      await writeSafetensors(join(folder, shard), new Map(names.map((name) => [name, Tensor.from([1])])))
    }
    const order = ['b', 'a', '2', '10', '__proto__', '1']
    const place = (name: string) => (shards['one.safetensors'].includes(name) ? 'one' : 'two')
    const entries = order.map((name) => `"${name}": "${place(name)}.safetensors"`)
    const path = join(folder, 'model.safetensors.index.json')
    writeFileSync(path, `{"metadata": {"weight_map": 1}, "weight_map": {${entries.join(', ')}}}`)
    const opened = await Safetensors.open(path)
    expect(opened.keys()).toEqual(order)
    expect([...(await opened.tensors()).keys()]).toEqual(order)
    const header = await readSafetensorsHeader(path, { operation: 'inspect', signal: undefined })
    expect(header.tensors.map(({ name }) => name)).toEqual(order)
  })

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
      const index = failure(Safetensors.open(fileOf(text, 'x.index.json')))
      expect(await index).toMatchObject({ code: 'ERR_TORCH_FILE_FORMAT', operation: 'Safetensors.open' })
    }
  })
})
