import * as threads from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { Generator } from '../../lib/core/generator.js'
import { Module } from '../../lib/core/module.js'
import { type Handle, scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import { Safetensors } from '../../lib/io/safetensors.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { ImageClassifier } from '../../lib/models/image-classifier.js'
import { netArchive } from '../support/golden-modules.js'
import { expectNoLeaks } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { tinyArchive } from '../support/tiny-classifier.js'

expectNoLeaks()

async function openedFile(): Promise<Safetensors> {
  const path = `${temporaryFolder()}/x.safetensors`
  await writeSafetensors(path, { x: Tensor.from(1) })
  return Safetensors.open(path)
}

describe.each<[string, string, () => Handle | Promise<Handle>]>([
  ['Tensor', 'await tensor.data()', () => Tensor.from([1, 2])],
  ['Module', 'await module.toBytes()', () => Module.load(netArchive)],
  ['Generator', 'await generator.getState()', () => new Generator(1)],
  ['ImageModel', 'await model.stateDict()', async () => ImageClassifier.load(await tinyArchive())],
  ['Safetensors', 'the path of the file', openedFile],
])('a handle on native memory, %s,', (name, content, make) => {
  test('is no JSON, live or disposed, and says what is', () =>
    scope(async () => {
      const handle = await make()
      const error = expect.objectContaining({
        code: 'ERR_TORCH_INVALID_ARGUMENT',
        operation: 'toJSON',
        message: `Expected what JSON can hold but received an instance of ${name}: use ${content}`,
      })
      expect(() => JSON.stringify({ deep: [handle] })).toThrow(error)
      handle.dispose()
      expect(() => JSON.stringify(handle)).toThrow(error)
      expect(Object.keys(handle)).toEqual([])
    }))

  test('is not cloned for another thread, where Node.js can tell', () =>
    scope(async () => {
      const handle = await make()
      const { port1, port2 } = new MessageChannel()
      const canTell = 'markAsUncloneable' in threads
      for (const send of [() => structuredClone({ handle }), () => port1.postMessage([handle])]) {
        if (canTell) expect(send).toThrow(expect.objectContaining({ name: 'DataCloneError' }))
        else expect(send).not.toThrow() // Node.js 20: an empty object arrives
      }
      port1.close()
      port2.close()
    }))
})
