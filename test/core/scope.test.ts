import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { memory } from '../../lib/core/device.js'
import { Generator } from '../../lib/core/generator.js'
import { Module } from '../../lib/core/module.js'
import { ops } from '../../lib/core/ops.js'
import { keep, scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'

expectNoLeaks()

const live = () => {
  const { tensors, modules, generators } = memory()
  return tensors + modules + generators
}

describe('a scope disposes', () => {
  test('tensors, modules and generators that were made in it, across await', async () => {
    const before = live()
    const made = await scope(async () => {
      const first = Tensor.from([1])
      await sleep(1)
      const second = await ops.neg(first)
      const module = await Module.fromSource('def forward(self, x):\n    return x, [x]\n')
      const results = await module.forward(second)
      const generator = new Generator(1)
      expect(live()).toBe(before + 6)
      return () => [first, second, module, generator, ...(results as [Tensor, [Tensor]]).flat()]
    })
    expect(made().map(({ disposed }) => disposed)).toEqual(new Array(6).fill(true))
    expect(live()).toBe(before)
  })

  test('all when the work throws, now or later', async () => {
    const before = live()
    const failure = new Error('work failed')
    await expect(
      scope(() => {
        Tensor.from([1])
        throw failure
      }),
    ).rejects.toBe(failure)
    await expect(
      scope(async () => {
        await ops.ones([2])
        throw failure
      }),
    ).rejects.toBe(failure)
    expect(live()).toBe(before)
  })

  test('only its own when several run side by side', async () => {
    const before = live()
    const sums = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        scope(async () => {
          const tensor = Tensor.from([i])
          await sleep(i % 3)
          const doubled = await ops.mul(tensor, 2)
          await sleep(i % 2)
          return doubled.item()
        }),
      ),
    )
    expect(sums).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i))
    expect(live()).toBe(before)
  })

  test('what parallel branches within it made', async () => {
    const before = live()
    await scope(() => Promise.all([1, 2, 3].map(async (value) => ops.exp(Tensor.from(value))))).then((results) => {
      expect(live()).toBe(before + 3)
      for (const result of results) result.dispose()
    })
    expect(live()).toBe(before)
  })

  test('nothing that was disposed or made outside before', async () => {
    const outside = Tensor.from([1])
    await scope(() => {
      Tensor.from([2]).dispose()
      void outside.shape
    })
    expect(outside.disposed).toBe(false)
    outside.dispose()
  })
})

describe('a scope gives back', () => {
  test('what it returns, in arrays, Maps, Sets and objects at any depth, even in a circle', async () => {
    const result = await scope(() => {
      const circle: Record<string, unknown> = { tensor: Tensor.from([1]) }
      circle.self = circle
      const key = Tensor.from([2])
      Tensor.from([3])
      return {
        list: [Tensor.from([4]), [circle]],
        map: new Map([[key, { deep: Tensor.from([5]) }]]),
        set: new Set([Tensor.from([6])]),
      }
    })
    const [first, [circle]] = result.list as [Tensor, [{ tensor: Tensor }]]
    const [[key, { deep }]] = [...result.map] as [[Tensor, { deep: Tensor }]]
    const [member] = [...result.set] as [Tensor]
    for (const tensor of [first, circle.tensor, key, deep, member]) {
      expect(tensor.disposed).toBe(false)
      tensor.dispose()
    }
  })

  test('a result that is nested 100,000 deep', async () => {
    const result = await scope(() => {
      let nested: unknown = Tensor.from([1])
      for (let depth = 0; depth < 100_000; depth++) nested = [nested]
      return nested
    })
    let inner = result
    while (Array.isArray(inner)) inner = inner[0]
    expect((inner as Tensor).disposed).toBe(false)
    ;(inner as Tensor).dispose()
  })

  test('its result to the scope around, which then disposes it', async () => {
    let inner: Tensor | undefined
    await scope(async () => {
      inner = await scope(() => scope(() => Tensor.from([1])))
      expect(inner.disposed).toBe(false)
    })
    expect(inner?.disposed).toBe(true)
  })

  test('plain values as they are', async () => {
    expect(await scope(() => 5)).toBe(5)
    expect(await scope(async () => null)).toBe(null)
    expect(await scope(() => undefined)).toBe(undefined)
  })

  test('nothing that cannot be read: the error is typed and all is disposed', async () => {
    const before = live()
    const trap = () => {
      throw new Error('trap')
    }
    const error = await scope(() => [Tensor.from([2]), new Proxy({}, { ownKeys: trap })]).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT', operation: 'scope', cause: { message: 'trap' } })
    expect(live()).toBe(before)
  })

  test('nothing that only a getter or an instance of a class would give', async () => {
    const before = live()
    let reads = 0
    class Holder {
      tensor = Tensor.from([1])
    }
    const result = await scope(() => {
      const tensor = Tensor.from([2])
      const literal = {
        get tensor() {
          reads++
          return tensor
        },
      }
      return [literal, new Holder()] as const
    })
    expect([reads, live(), result[1].tensor.disposed]).toEqual([0, before, true])
  })

  test('huge arrays in no time, even those that are nearly all holes', async () => {
    const numbers = new Array(5_000_000).fill(1)
    const holes: unknown[] = []
    const bytes = new Uint8Array(50_000_000)
    const start = performance.now()
    await scope(() => {
      holes[2 ** 32 - 2] = Tensor.from([1])
      return [numbers, bytes, new Map([[1, numbers]]), holes]
    })
    expect(performance.now() - start).toBeLessThan(500)
    const tensor = holes.at(-1) as Tensor
    expect(tensor.disposed).toBe(false)
    tensor.dispose()
  })
})

describe('keep', () => {
  test('takes a handle out of all scopes around', async () => {
    const kept = await scope(() =>
      scope(async () => {
        const tensors = [Tensor.from([1]), await ops.ones([2])] as const
        for (const tensor of tensors) expect(keep(tensor)).toBe(tensor)
        return () => tensors
      }),
    )
    for (const tensor of kept()) {
      expect(tensor.disposed).toBe(false)
      tensor.dispose()
    }
  })

  scopedTest('reaches only what this scope or one around it owns', async () => {
    const outer = Tensor.from([1])
    await scope(() => {
      keep(outer)
    })
    expect(outer.disposed).toBe(false)
    outer.dispose()
  })

  test('outside of scopes gives its argument back', () => {
    const tensor = keep(Tensor.from([1]))
    expect(tensor.disposed).toBe(false)
    tensor.dispose()
  })
})

test('what arrives after the end of its scope belongs to the scope around', async () => {
  let late: Promise<Tensor> | undefined
  await scope(async () => {
    await scope(() => {
      late = ops.ones([10])
    })
    await late
    expect((await late)?.disposed).toBe(false)
  })
  expect((await late)?.disposed).toBe(true)
})
