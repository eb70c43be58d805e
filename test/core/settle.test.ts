import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { queueDepths } from '../../lib/core/device.js'
import { type ErrorCode, TorchError } from '../../lib/core/errors.js'
import { Generator, seed } from '../../lib/core/generator.js'
import { libtorch } from '../../lib/core/libtorch.js'
import { Module } from '../../lib/core/module.js'
import { ops } from '../../lib/core/ops.js'
import { Tensor } from '../../lib/core/tensor.js'
import { netArchive } from '../support/golden-modules.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'

expectNoLeaks()

/** Keeps lane 0 busy: 100 rounds take some tenths of a second. */
const busySource = `
def forward(self, n: int):
    x = torch.ones(300, 300)
    for i in range(n):
        x = torch.matmul(x, x).clamp(0.0, 1.0)
    return x.sum()
`
const folder = mkdtempSync(join(tmpdir(), 'node-libtorch-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Subjects {
  module: Module
  tensor: Tensor
  /** Of the module. */
  input: Tensor
}

/** Every verb that takes a signal. */
const abortableVerbs: Record<string, (subjects: Subjects, signal: AbortSignal) => Promise<unknown>> = {
  'ops.neg': ({ tensor }, signal) => ops.neg(tensor, { signal }),
  'ops.interpolate': ({ tensor }, signal) => ops.interpolate(tensor, { size: 4, signal }),
  'tensor.data': ({ tensor }, signal) => tensor.data(undefined, { signal }),
  'tensor.data of a dtype': ({ tensor }, signal) => tensor.data('float32', { signal }),
  'tensor.item': ({ tensor }, signal) => tensor.item({ signal }),
  'tensor.toArray': ({ tensor }, signal) => tensor.toArray({ signal }),
  'tensor.to': ({ tensor }, signal) => tensor.to({ dtype: 'int8', signal }),
  'module.call': ({ module, input }, signal) => module.call('forward', [input], { signal }),
  'module.callLayers': ({ module, input }, signal) => module.callLayers(['block'], [input], { signal }),
  'module.parameters': ({ module }, signal) => module.parameters({ signal }),
  'module.buffers': ({ module }, signal) => module.buffers({ signal }),
  'module.stateDict': ({ module }, signal) => module.stateDict({ signal }),
  'module.loadStateDict': ({ module }, signal) => module.loadStateDict({}, { strict: false, signal }),
  'module.to': ({ module }, signal) => module.to({ dtype: 'float32', signal }),
  'module.define': ({ module }, signal) => module.define(`def g(self):\n    return 1\n`, { signal }),
  'module.defineLayerOutputs': ({ module }, signal) => module.defineLayerOutputs('layers', ['block'], { signal }),
  'module.derive': ({ module }, signal) => module.derive({ signal }),
  'module.setTrainable': ({ module }, signal) => module.setTrainable(false, { parameters: [], submodules: [], signal }),
  'module.freeze': ({ module }, signal) => module.freeze({ signal }),
  'module.warmup': ({ module }, signal) => module.warmup([[1, 2, 4, 4]], { signal }),
  'module.toBytes': ({ module }, signal) => module.toBytes({ signal }),
  'module.save': ({ module }, signal) => module.save(join(folder, 'aborted.pt'), { signal }),
}

const subjects = async (): Promise<Subjects> => ({
  module: await Module.load(netArchive),
  tensor: Tensor.from([1], [1, 1, 1]),
  input: Tensor.from(new Float32Array(32), [1, 2, 4, 4]),
})

describe('a signal', () => {
  const reason = new Error('enough')

  test.each(Object.entries(abortableVerbs))(
    'stops %s before and after it is queued, at once, with its reason',
    inScope(async (_, verb) => {
      const given = await subjects()
      await expect(verb(given, AbortSignal.abort(reason))).rejects.toBe(reason)
      const controller = new AbortController()
      const busy = (await Module.fromSource(busySource)).forward(60)
      const pending = verb(given, controller.signal)
      controller.abort(reason)
      await expect(pending).rejects.toBe(reason)
      expect(queueDepths()['cpu:0']).toBeGreaterThan(0)
      await busy
      await expect.poll(() => queueDepths()['cpu:0'], { timeout: 10_000 }).toBe(0)
    }),
  )

  scopedTest('changes nothing where it does not fire', async () => {
    const given = await subjects()
    const { signal } = new AbortController()
    for (const verb of Object.values(abortableVerbs)) await verb(given, signal)
    expect(readdirSync(folder)).toEqual(['aborted.pt'])
    expect(await given.tensor.toArray({ signal })).toEqual([[[1]]])
    expect((await Module.fromSource(busySource, { signal })).lane).toBe(0)
  })

  scopedTest('that fires while a call waits leaves undone what the call would have changed', async () => {
    const { module } = await subjects()
    const before = { methods: module.methods(), state: (await module.stateDict()).size }
    const controller = new AbortController()
    const { signal } = controller
    const zeros = await Promise.all(
      [...(await module.parameters())].map(async ([name, { shape }]) => [name, await ops.zeros(shape)] as const),
    )
    const busy = (await Module.fromSource(busySource)).forward(60)
    const pending = [
      module.define('def later(self):\n    return 1\n', { signal }),
      module.loadStateDict(Object.fromEntries(zeros), { strict: false, signal }),
      module.to({ dtype: 'float64', signal }),
    ]
    const outcomes = Promise.allSettled(pending)
    controller.abort(reason)
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await busy
    expect({ methods: module.methods(), state: (await module.stateDict()).size }).toEqual(before)
    for (const [, parameter] of await module.parameters()) {
      expect(parameter.dtype).toBe('float32')
      expect(await (await ops.any(parameter)).item()).toBe(true)
    }
  })

  scopedTest('whose reason cannot be read is a typed error for every call, and none hangs', async () => {
    const tensor = Tensor.from([1])
    let fire = () => {}
    const signal = {
      aborted: false,
      get reason() {
        throw new Error('no reason')
      },
      addEventListener: (_: string, listener: () => void) => {
        fire = listener
      },
      removeEventListener: () => {},
    } as unknown as AbortSignal
    const pending = [1, 2, 3].map((value) => ops.add(tensor, value, { signal }))
    const outcomes = Promise.allSettled(pending)
    fire()
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ reason: { code: 'ERR_TORCH_INVALID_ARGUMENT', cause: { message: 'no reason' } } })
    }
  })

  scopedTest('that keeps its listener does not cost a result', async () => {
    const refusing = () => {
      throw new Error('no')
    }
    const signal = { aborted: false, addEventListener: () => {}, removeEventListener: refusing } as never
    expect(await (await ops.add(Tensor.from([1]), 1, { signal })).toArray()).toEqual([2])
  })

  scopedTest('stops Module.fromSource', async () => {
    await expect(Module.fromSource(busySource, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    const pending = Module.fromSource(busySource, { signal: controller.signal })
    controller.abort(reason)
    await expect(pending).rejects.toBe(reason)
    await expect.poll(() => queueDepths().io, { timeout: 10_000 }).toBe(0)
  })

  scopedTest('stops Module.save without a file, complete or partial', async () => {
    const place = mkdtempSync(join(folder, 'save-'))
    const { module } = await subjects()
    const controller = new AbortController()
    const busy = (await Module.fromSource(busySource)).forward(20)
    const saving = module.save(join(place, 'module.pt'), { signal: controller.signal })
    controller.abort(reason)
    await expect(saving).rejects.toBe(reason)
    await busy
    await module.save(join(place, 'later.pt')) // behind the first on its lane, and as long on the disk
    await expect.poll(() => readdirSync(place)).toEqual(['later.pt'])
    rmSync(place, { recursive: true })
  })

  scopedTest('stops a warm-up of many runs', async () => {
    const module = await Module.fromSource('def forward(self, x):\n    return x\n')
    const controller = new AbortController()
    const pending = module.warmup([[1000, 1000]], { runs: 1000, signal: controller.signal })
    setTimeout(() => controller.abort(reason), 5)
    await expect(pending).rejects.toBe(reason)
  })

  scopedTest('that refuses its listener is a typed error, and the call is not made', async () => {
    const target = await ops.zeros([1])
    const refusing = () => {
      throw new Error('no')
    }
    const signal = { aborted: false, addEventListener: refusing, removeEventListener: refusing } as never
    const failure = { code: 'ERR_TORCH_INVALID_ARGUMENT', operation: 'ops.add_', cause: { message: 'no' } }
    await expect(ops.add_(target, 1, { signal })).rejects.toMatchObject(failure)
    expect(await target.toArray()).toEqual([0])
  })

  scopedTest('is left without a listener where the call cannot be made', async () => {
    let listeners = 0
    const signal = {
      aborted: false,
      addEventListener: () => listeners++,
      removeEventListener: () => listeners--,
    } as unknown as AbortSignal
    const tensor = Tensor.from(1)
    tensor.dispose()
    await expect(tensor.to({ signal })).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED', operation: 'tensor.to' })
    expect(listeners).toBe(0)
  })
})

describe('the reason of a signal is the very object that it was', () => {
  const mine = () => new TorchError('ERR_TORCH_ABORTED', 'mine', { operation: 'mine' })

  async function expectUntouched(reason: TorchError): Promise<void> {
    const { operation, stack } = reason
    for (const verb of Object.values(abortableVerbs)) {
      const given = await subjects()
      await expect(verb(given, AbortSignal.abort(reason))).rejects.toBe(reason)
      const controller = new AbortController()
      const pending = verb(given, controller.signal)
      controller.abort(reason)
      await expect(pending).rejects.toBe(reason)
    }
    expect({ operation: reason.operation, stack: reason.stack }).toEqual({ operation, stack })
  }

  scopedTest('an error of the caller', () => expectUntouched(mine()))
  scopedTest('a frozen one', () => expectUntouched(Object.freeze(mine())))

  scopedTest('one that an earlier call was rejected with', async () => {
    const earlier = await ops.mm(Tensor.from([1]), Tensor.from([1])).catch((error: unknown) => error as TorchError)
    expect((earlier as TorchError).operation).toBe('ops.mm')
    await expectUntouched(earlier as TorchError)
  })

  scopedTest('with the stacks of callers, too', async () => {
    libtorch.boot({ callerStacks: true })
    try {
      await expectUntouched(mine())
    } finally {
      libtorch.boot({ callerStacks: false })
    }
  })
})

describe('a failure names its verb, and its caller where that is asked for', () => {
  let state: Tensor
  beforeAll(() => {
    libtorch.boot({ callerStacks: true })
    state = Tensor.from(new Uint8Array(5))
  })
  afterAll(() => {
    libtorch.boot({ callerStacks: false })
    state.dispose()
  })

  const dead = async () => {
    const module = await Module.fromSource('def forward(self):\n    return 1\n')
    module.dispose()
    return module
  }
  const disposed = () => {
    const tensor = Tensor.from(1)
    tensor.dispose()
    return tensor
  }
  const optimized = async () => (await Module.load(netArchive)).freeze({ optimize: true })

  test.each<[operation: string, code: ErrorCode, call: () => Promise<unknown>]>([
    ['module.train', 'ERR_TORCH_DISPOSED', async () => (await dead()).train()],
    ['module.eval', 'ERR_TORCH_DISPOSED', async () => (await dead()).eval()],
    ['module.to', 'ERR_TORCH_DISPOSED', async () => (await dead()).to({})],
    ['module.call', 'ERR_TORCH_DISPOSED', async () => (await dead()).call('forward')],
    ['module.forward', 'ERR_TORCH_DISPOSED', async () => (await dead()).forward()],
    ['module.stateDict', 'ERR_TORCH_DISPOSED', async () => (await dead()).stateDict()],
    ['module.loadStateDict', 'ERR_TORCH_STATE_DICT', async () => (await Module.load(netArchive)).loadStateDict({})],
    ['module.define', 'ERR_TORCH_MODULE_LOAD', async () => (await Module.load(netArchive)).define('garbage(')],
    ['module.freeze', 'ERR_TORCH_INVALID_ARGUMENT', async () => (await optimized()).freeze({ preserve: ['no'] })],
    ['module.submodule', 'ERR_TORCH_INVALID_ARGUMENT', async () => (await Module.load(netArchive)).submodule('no')],
    ['module.warmup', 'ERR_TORCH_INVALID_ARGUMENT', async () => (await Module.load(netArchive)).warmup([])],
    ['module.toBytes', 'ERR_TORCH_MODULE_SAVE', async () => (await optimized()).toBytes()],
    ['module.save', 'ERR_TORCH_MODULE_SAVE', async () => (await optimized()).save(join(folder, 'x.pt'))],
    ['Module.fromSource', 'ERR_TORCH_MODULE_LOAD', () => Module.fromSource('garbage(')],
    ['Module.load', 'ERR_TORCH_MODULE_LOAD', () => Module.load('/nowhere')],
    ['Module.load', 'ERR_TORCH_MODULE_LOAD', () => Module.load('/nowhere', { sha256: '0'.repeat(64) })],
    ['generator.seed', 'ERR_TORCH_INVALID_ARGUMENT', () => new Generator(1).seed(1.5)],
    ['generator.setState', 'ERR_TORCH_INVALID_ARGUMENT', () => new Generator(1).setState(state)],
    ['seed', 'ERR_TORCH_INVALID_ARGUMENT', () => seed(1.5)],
    ['tensor.data', 'ERR_TORCH_DISPOSED', () => disposed().data()],
    ['tensor.item', 'ERR_TORCH_SHAPE', () => state.item()],
    ['tensor.toArray', 'ERR_TORCH_DISPOSED', () => disposed().toArray()],
    ['ops.interpolate', 'ERR_TORCH_INVALID_ARGUMENT', () => ops.interpolate(state, { size: 2 })],
  ])(
    '%s: %s',
    inScope(async (operation, code, call) => {
      const error = (await call().catch((reason: unknown) => reason)) as TorchError
      expect(error).toMatchObject({ code, operation })
      expect(error.stack).toMatch(/--- called from ---\n(.*\n)*.*settle\.test\.ts/)
    }),
  )
})
