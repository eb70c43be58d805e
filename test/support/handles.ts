import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Memory, memory } from '../../lib/core/device.js'
import { scope } from '../../lib/core/scope.js'

/** Every test file ends with the handles and bytes with which it began. */
export function expectNoLeaks(): void {
  let before: Memory
  beforeAll(() => {
    before = memory()
  })
  afterAll(async () => {
    // A module's weights are freed off the JS thread.
    await vi.waitFor(() => expect(memory()).toEqual(before), { timeout: 5000 })
  })
}

/** Runs the body of a test, or of a row of `test.each`, in a scope that disposes what it makes. */
export function inScope<Row extends unknown[]>(body: (...row: Row) => unknown): (...row: Row) => Promise<void> {
  return async (...row) => {
    await scope(async () => {
      await body(...row)
    })
  }
}

/** A test in a scope of its own. */
export function scopedTest(name: string, body: () => unknown): void {
  test(name, inScope(body))
}
