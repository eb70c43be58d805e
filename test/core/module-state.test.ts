import { describe, expect, test } from 'vitest'
import { memory } from '../../lib/core/device.js'
import { Module } from '../../lib/core/module.js'
import type { FreezeOptions } from '../../lib/core/module-options.js'
import { ops } from '../../lib/core/ops.js'
import { Tensor } from '../../lib/core/tensor.js'
import { netArchive } from '../support/golden-modules.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { expectAsInPython, featuresRun, forwardRun, inputOf, runs } from '../support/net-golden.js'
import { expectGolden } from '../support/op-golden.js'

expectNoLeaks()

describe('train, eval and to', () => {
  scopedTest('switch dropout and batch norm, behind the calls made before', async () => {
    const module = await Module.load(netArchive)
    const x = inputOf(forwardRun)
    const [before, , training, , after] = await Promise.all([
      module.call('features', [x]),
      module.train(),
      module.call('features', [x]),
      module.train(false),
      module.forward(x),
    ])
    await expectGolden(before, featuresRun.output)
    expect(await ((await ops.allclose(training as Tensor, before as Tensor)) as unknown)).toBe(false)
    expect(module.training).toBe(false)
    await module.train()
    expect(module.training).toBe(true)
    await module.eval()
    expect([module.training, (await module.submodule('head.0')).training]).toEqual([false, false])
    void after
  })

  scopedTest('convert in place: tensors that parameters() gave follow', async () => {
    const module = await Module.load(netArchive)
    const weight = (await module.parameters()).get('block.conv.weight') as Tensor
    await module.to({ dtype: 'float64' })
    expect((await weight.data()).constructor).toBe(Float64Array)
    expect([weight.dtype, weight.nbytes]).toEqual(['float64', 8 * 54])
    const exact = await weight.toArray()
    await module.to({ dtype: 'bfloat16' })
    expect(await weight.toArray()).toEqual(exact)
    expect((await module.parameters()).get('block.conv.weight')?.dtype).toBe('bfloat16')
    await module.to({ dtype: 'float32' })
    await expectAsInPython(module)
    await ops.zero_(weight)
    expect(new Set(await ((await module.parameters()).get('block.conv.weight') as Tensor).data('float32'))).toEqual(
      new Set([0]),
    )
    await expect(module.to({ dtype: 'int32' })).rejects.toMatchObject({ code: 'ERR_TORCH_DTYPE' })
    await expect(module.to({ device: 'cuda:7' })).rejects.toMatchObject({ code: 'ERR_TORCH_DEVICE' })
  })

  scopedTest('store weights of 4 dimensions as channels last', async () => {
    const module = await Module.load(netArchive)
    await module.to({ channelsLast: true })
    const parameters = await module.parameters()
    expect(parameters.get('block.conv.weight')?.strides).toEqual([18, 1, 6, 2])
    expect(parameters.get('head.1.weight')?.strides).toEqual([3, 1])
    const features = (await module.call('features', [inputOf(forwardRun)])) as Tensor
    expect(features.strides).toEqual([48, 1, 12, 3])
    await expectGolden(await ops.contiguous(features), featuresRun.output)
    await expectGolden(await module.forward(inputOf(forwardRun)), forwardRun.output)
  })
})

describe('freeze', () => {
  test.each<[FreezeOptions]>([
    [{}],
    [{ preserve: ['features'] }],
    [{ channelsLast: true }],
    [{ optimize: true }],
    [{ optimize: true, channelsLast: true, preserve: ['features', 'forward'] }],
  ])(
    '%o gives a new module that computes the same',
    inScope(async (options) => {
      const module = await Module.load(netArchive)
      await module.train()
      const frozen = await module.freeze(options)
      expect([module.training, frozen.training, (await frozen.parameters()).size]).toEqual([true, false, 0])
      const names = options.preserve ? ['features', 'forward'] : ['forward']
      expect(frozen.methods().map(({ name }) => name)).toEqual(names)
      for (const run of runs.filter(({ method }) => names.includes(method))) {
        const output = (await frozen.call(run.method, [inputOf(run)])) as Tensor
        await expectGolden(await ops.contiguous(output), run.output)
      }
      expect((await module.submodule('head.0')).training).toBe(true)
      expect((await module.parameters()).get('block.conv.weight')?.strides).toEqual([18, 9, 3, 1])
      await module.eval()
      await expectAsInPython(module)
    }),
  )

  scopedTest('is independent of what later happens to the original', async () => {
    const module = await Module.load(netArchive)
    const frozen = await module.freeze({ preserve: ['features'] })
    await module.to({ dtype: 'float64' })
    module.dispose()
    await expectAsInPython(frozen)
  })

  scopedTest('folds the batch norms of every method that it keeps into one set of weights', async () => {
    const module = await Module.load(netArchive)
    const bytesOf = async (options: FreezeOptions) => {
      const before = memory().bytes.cpu ?? 0
      await module.freeze(options)
      return (memory().bytes.cpu ?? 0) - before
    }
    const folded = 4 * (3 * 2 * 3 * 3 + 3) // the convolution's; the linear layer's are those of the module
    expect(await bytesOf({})).toBe(folded)
    expect(await bytesOf({ preserve: ['features'] })).toBe(folded)
    // Copies of the original weights would be counted here, where a method still needed them.
    expect(await bytesOf({ preserve: ['features'], channelsLast: true })).toBe(folded)
  })

  scopedTest('leaves constants alone whose bytes do not say all, such as quantized ones', async () => {
    const module = await Module.fromSource(`
def forward(self, x):
    ones = torch.quantize_per_tensor(torch.ones([4]), 0.1, 0, 13)
    twos = torch.quantize_per_tensor(torch.ones([4]) * 2, 0.1, 0, 13)
    return x + torch.dequantize(ones) + torch.dequantize(twos)
`)
    const frozen = await module.freeze()
    expect(await (await frozen.forward<Tensor>(Tensor.from([1, 2, 3, 4]))).toArray()).toEqual([4, 5, 6, 7])
  })

  scopedTest('keeps only methods that are there', async () => {
    const module = await Module.load(netArchive)
    await expect(module.freeze({ preserve: ['nothing'] })).rejects.toMatchObject({
      code: 'ERR_TORCH_INVALID_ARGUMENT',
      message: "Expected the name of a method to preserve but received 'nothing'",
    })
  })

  scopedTest('gives a module that can be saved, unless it was optimized for this machine', async () => {
    const module = await Module.load(netArchive)
    const again = await Module.load(await (await module.freeze({ preserve: ['features'] })).toBytes())
    await expectAsInPython(again)
    const optimized = await module.freeze({ optimize: true })
    await expect(optimized.toBytes()).rejects.toMatchObject({ code: 'ERR_TORCH_MODULE_SAVE' })
  })
})

describe('warmup', () => {
  scopedTest('runs a method on zeros and leaves nothing', async () => {
    const module = await Module.load(netArchive)
    const { tensors } = memory()
    await module.warmup([[2, 2, 4, 4]])
    await module.warmup([[1, 2, 3, 3]], { runs: 1, method: 'features', dtype: 'float32' })
    expect(memory().tensors).toBe(tensors)
    await expectAsInPython(module)
  })

  scopedTest('rejects as the method does, and leaves nothing either', async () => {
    const module = await Module.load(netArchive)
    const { tensors } = memory()
    await expect(module.warmup([[2, 5, 4, 4]])).rejects.toMatchObject({ code: 'ERR_TORCH_MODULE_RUN' })
    await expect(module.warmup([])).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
    await expect(module.warmup([[2, 2, 4, 4], [1e15]])).rejects.toMatchObject({ code: 'ERR_TORCH_OUT_OF_MEMORY' })
    await expect(module.warmup([[2, 2, 4, -4]])).rejects.toMatchObject({ code: 'ERR_TORCH_OPERATOR' })
    expect(memory().tensors).toBe(tensors)
  })
})
