import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ByteTaker, ownBytes } from '../../lib/io/given-bytes.js'
import { picture } from '../support/picture.js'

const signal = new AbortController().signal
const mebibyte = 2 ** 20
/** A view into the middle of a larger buffer. */
const bytes = (length: number) => picture(1024, 2048).subarray(5, 5 + length)

test('the first bytes of a call are copied at once, and what goes beyond when it is asked for', async () => {
  const taker = new ByteTaker()
  const sizes = [mebibyte, 3 * mebibyte, 1, 0]
  const given = sizes.map((size) => taker.take(bytes(size)))
  expect(given.map(({ copied }) => copied)).toEqual([true, true, false, true])
  for (const [i, each] of given.entries()) {
    const own = await ownBytes(each, 'the bytes', signal)
    expect(Buffer.from(own).equals(bytes(sizes[i] as number))).toBe(true)
    expect(own.buffer).toHaveProperty('byteLength', sizes[i])
  }
})

test('the event loop turns after every mebibyte', async () => {
  const given = new ByteTaker().take(bytes(5 * mebibyte))
  let running = true
  const copy = ownBytes(given, 'the bytes', signal).finally(() => {
    running = false
  })
  let turns = 0
  for (; running; turns++) await setImmediate()
  expect(turns).toBeGreaterThanOrEqual(5)
  expect(Buffer.from(await copy).equals(bytes(5 * mebibyte))).toBe(true)
})

test('an abort ends the copying with its reason', async () => {
  const controller = new AbortController()
  const copy = ownBytes(new ByteTaker().take(bytes(5 * mebibyte)), 'the bytes', controller.signal)
  controller.abort('stop')
  await expect(copy).rejects.toBe('stop')
})

test('bytes that shrink while they are copied are refused by name', async () => {
  const resizable = [5 * mebibyte, { maxByteLength: 5 * mebibyte }]
  const shrinking = Reflect.construct(ArrayBuffer, resizable) as ArrayBuffer & { resize(length: number): void }
  const copy = ownBytes(new ByteTaker().take(new Uint8Array(shrinking)), 'image 7', signal)
  shrinking.resize(mebibyte)
  await expect(copy).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT', details: { image: 'image 7' } })
})
