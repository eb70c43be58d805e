import { describe, expect, test } from 'vitest'
import { callerStacks } from '../../lib/core/call-site.js'
import { queueDepths } from '../../lib/core/device.js'
import type { ExecutionOptions } from '../../lib/core/execution.js'
import { libtorch } from '../../lib/core/libtorch.js'
import { Module } from '../../lib/core/module.js'
import { ops } from '../../lib/core/ops.js'
import { Tensor } from '../../lib/core/tensor.js'
import { netArchive, valuesArchive } from '../support/golden-modules.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'

expectNoLeaks()

/** Keeps its lane busy: 100 rounds take some tenths of a second. */
const busySource = `
def forward(self, n: int):
    x = torch.ones(300, 300)
    for i in range(n):
        x = torch.matmul(x, x).clamp(0.0, 1.0)
    return x.sum()
`

describe('gradMode', () => {
  const forward = async (options?: ExecutionOptions) => {
    const module = await Module.load(netArchive)
    return (await module.call('forward', [await ops.ones([1, 2, 4, 4])], options)) as Tensor
  }

  test.each<[ExecutionOptions | undefined, boolean]>([
    [undefined, false],
    [{}, false],
    [{ gradMode: undefined }, false],
    [{ gradMode: 'no-grad' }, false],
    [{ gradMode: 'inference' }, false],
    [{ gradMode: 'enabled' }, true],
  ])(
    '%o records gradients: %s',
    inScope(async (options, recorded) => {
      expect((await forward(options)).requiresGrad).toBe(recorded)
    }),
  )

  scopedTest('counts for operators, too, and for its own call only', async () => {
    const weight = (await (await Module.load(netArchive)).parameters()).get('head.1.weight') as Tensor
    expect(weight.requiresGrad).toBe(true)
    expect((await ops.mul(weight, 2)).requiresGrad).toBe(false)
    expect((await ops.mul(weight, 2, { gradMode: 'enabled' })).requiresGrad).toBe(true)
    expect((await ops.mul(weight, 2)).requiresGrad).toBe(false)
  })

  scopedTest('tensors made in inference mode cannot be trained with', async () => {
    const inference = await ops.ones([2], { gradMode: 'inference' })
    const weight = (await (await Module.load(netArchive)).parameters()).get('head.1.bias') as Tensor
    const module = await Module.fromSource('def forward(self, w, x):\n    return (w[0:2] * x).sum()\n')
    const use = module.call('forward', [weight, inference], { gradMode: 'enabled' })
    await expect(use).rejects.toMatchObject({ message: expect.stringMatching(/^Inference tensors cannot be saved/) })
  })
})

describe('autocast', () => {
  scopedTest('computes in its dtype where torch.autocast does, for its own call only', async () => {
    const module = await Module.load(netArchive)
    const x = await ops.ones([1, 2, 4, 4])
    const dtypes = []
    for (const options of [undefined, { autocast: 'bfloat16' }, { autocast: 'float16' }, {}] as const) {
      dtypes.push(((await module.call('features', [x], options)) as Tensor).dtype)
    }
    expect(dtypes).toEqual(['float32', 'bfloat16', 'float16', 'float32'])
    expect((await ops.matmul(await ops.ones([2, 2]), await ops.ones([2, 2]), { autocast: 'bfloat16' })).dtype).toBe(
      'bfloat16',
    )
    expect((await ops.add(await ops.ones([2]), 1, { autocast: 'bfloat16' })).dtype).toBe('float32')
  })
})

describe('signal', () => {
  const reason = new Error('enough')

  scopedTest('stops a call before it is queued', async () => {
    const module = await Module.fromSource('def forward(self):\n    return 1\n')
    await expect(module.call('forward', [], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await expect(ops.ones([2], { signal: AbortSignal.abort('text') })).rejects.toBe('text')
  })

  scopedTest('stops a call that waits: its work is never done', async () => {
    const target = await ops.ones([1])
    const controller = new AbortController()
    const module = await Module.fromSource(busySource)
    const running = module.forward(50)
    const waiting = ops.add_(target, 1, { signal: controller.signal })
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await running
    expect(await target.toArray()).toEqual([1])
  })

  scopedTest('rejects at once while the call runs, and the late result is given back', async () => {
    const module = await Module.fromSource(busySource)
    const controller = new AbortController()
    const running = module.call('forward', [100], { signal: controller.signal })
    setTimeout(() => controller.abort(reason), 5)
    await expect(running).rejects.toBe(reason)
    await expect.poll(() => queueDepths()['cpu:0'], { timeout: 10_000 }).toBe(0)
  })

  scopedTest('does nothing when it comes late or never', async () => {
    const controller = new AbortController()
    const result = await ops.ones([2], { signal: controller.signal })
    controller.abort(reason)
    expect(await result.toArray()).toEqual([1, 1])
    expect((await ops.ones([2], { signal: undefined })).shape).toEqual([2])
  })

  scopedTest('leaves no listener behind', async () => {
    const listeners = new Set<unknown>()
    const signal = Object.assign(new EventTarget(), { aborted: false, reason: undefined }) as unknown as AbortSignal
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (type: string, listener: never) => {
      listeners.add(listener)
      addEventListener.call(signal, type, listener)
    }
    signal.removeEventListener = (type: string, listener: never) => {
      listeners.delete(listener)
      removeEventListener.call(signal, type, listener)
    }
    await ops.ones([2], { signal })
    await expect(ops.mm(await ops.ones([2, 3]), await ops.ones([2, 3]), { signal })).rejects.toMatchObject({
      code: 'ERR_TORCH_OPERATOR',
    })
    expect(listeners.size).toBe(0)
  })
})

describe('options that a module does not take', () => {
  test.each<[object, string, string]>([
    [{ gradmode: 'enabled' }, 'ERR_TORCH_UNKNOWN_OPTION', 'did you mean gradMode?'],
    [{ gradMode: 'on' }, 'ERR_TORCH_INVALID_ARGUMENT', "'no-grad', 'inference' or 'enabled' for gradMode"],
    [{ autocast: 'float' }, 'ERR_TORCH_INVALID_ARGUMENT', "'float16' or 'bfloat16' for autocast"],
    [{ autocast: 'float32' }, 'ERR_TORCH_INVALID_ARGUMENT', "'float16' or 'bfloat16' for autocast"],
    [{ generator: 5 }, 'ERR_TORCH_INVALID_ARGUMENT', 'a Generator for generator but received 5'],
    [{ signal: {} }, 'ERR_TORCH_INVALID_ARGUMENT', 'an AbortSignal for signal but received {}'],
    [{ signal: { aborted: false } }, 'ERR_TORCH_INVALID_ARGUMENT', 'an AbortSignal'],
  ])(
    '%o',
    inScope(async (options, code, text) => {
      const module = await Module.fromSource('def forward(self):\n    return 1\n')
      await expect(module.call('forward', [], options)).rejects.toMatchObject({
        code,
        operation: 'module.call',
        message: expect.stringContaining(text),
      })
    }),
  )
})

describe('a failure', () => {
  scopedTest('in TorchScript has its message and its own traceback', async () => {
    const module = await Module.load(valuesArchive)
    await module.define('def outer(self, n: int):\n    return self.fail(n)\n')
    const error = (await module.call('outer', [5]).catch((reason: unknown) => reason)) as { details: { trace: string } }
    expect(error).toMatchObject({ code: 'ERR_TORCH_MODULE_RUN', operation: 'module.call', message: 'n is 5' })
    expect(error.details.trace).toContain('ops.prim.RaiseException(torch.add("n is ", str(n)), "builtins.ValueError")')
    expect(error.details.trace).toContain('in outer')
    expect(await module.call('outer', [1])).toBe(1)
  })

  scopedTest('within an expression of several lines has the message alone', async () => {
    const module = await Module.fromSource(
      'def forward(self, x):\n    return torch.matmul(\n        x,\n        torch.ones(\n            5, 5),\n    )\n',
    )
    const error = (await module.forward(Tensor.from([[1]])).catch((reason: unknown) => reason)) as Error
    expect(error.message).toBe('mat1 and mat2 shapes cannot be multiplied (1x1 and 5x5)')
  })

  scopedTest('of an operator names it and has no C++ backtrace', async () => {
    const [first, second] = [await ops.ones([2, 3]), await ops.ones([2, 3])]
    const error = (await ops.matmul(first, second).catch((reason: unknown) => reason)) as Error
    expect(error).toMatchObject({ code: 'ERR_TORCH_OPERATOR', operation: 'ops.matmul' })
    expect(error.message).toBe('mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)')
  })

  scopedTest('knows its caller where that is asked for', async () => {
    const stackOf = async () => {
      const error = await ops.mm(await ops.ones([1]), await ops.ones([1])).catch((reason: unknown) => reason)
      return (error as Error).stack ?? ''
    }
    expect(await stackOf()).not.toContain('--- called from ---')
    libtorch.boot({ callerStacks: true })
    try {
      expect(await stackOf()).toMatch(/--- called from ---\n(.*\n)*.*execution\.test\.ts/)
    } finally {
      libtorch.boot({ callerStacks: false })
    }
    expect(callerStacks.enabled).toBe(false)
  })
})
