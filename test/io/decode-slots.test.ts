// Images are decoded on libuv's pool, two threads of which are left to files and names.
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import sharp from 'sharp'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { inDecodeSlot } from '../../lib/io/decode-slots.js'
import { preprocess } from '../../lib/io/preprocess.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'
import { repositoryRoot } from '../support/source-files.js'

const image = (name: string) => join(repositoryRoot, 'test', 'golden', 'images', name)

expectNoLeaks()

scopedTest('of many images, so many are decoded at a time', async () => {
  const slots = Math.max(1, Number(process.env.UV_THREADPOOL_SIZE || 4) - 2)
  const seen: number[] = []
  // Neither number is ever more than there are; their sum could count one image twice.
  const look = () => seen.push(sharp.counters().process, sharp.counters().queue)
  sharp.queue.on('change', look)
  onTestFinished(() => void sharp.queue.off('change', look))
  await preprocess(Array(8 * slots).fill(image('420.jpg')), { inputSize: [3, 16, 16] })
  expect(seen.length).toBeGreaterThanOrEqual(8 * slots)
  expect(Math.max(...seen)).toBeLessThanOrEqual(slots)
})

test.each([
  ['', 2],
  ['4', 2],
  ['7', 5],
  ['3', 1],
  ['1', 1],
  ['-1', 1],
  ['many', 1],
  ['5000', 1022],
])('with UV_THREADPOOL_SIZE=%s %i at a time, and at most twice as many in memory', async (size, count) => {
  vi.stubEnv('UV_THREADPOOL_SIZE', size)
  onTestFinished(() => void vi.unstubAllEnvs())
  vi.resetModules() // the slots are made once
  const slots: { inDecodeSlot: typeof inDecodeSlot } = await import('../../lib/io/decode-slots.js')
  let [fetched, decoding, open] = [0, 0, () => {}]
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const fetch = async () => void fetched++
  const decode = () => {
    decoding++
    return gate
  }
  const works = Array.from({ length: 3 * count }, () => slots.inDecodeSlot(fetch, decode))
  await setImmediate()
  expect([decoding, fetched]).toEqual([count, 2 * count])
  open()
  await Promise.all(works)
  expect([decoding, fetched]).toEqual([3 * count, 3 * count])
})
