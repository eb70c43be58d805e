import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { Module } from '../../lib/core/module.js'
import { ops } from '../../lib/core/ops.js'
import { Tensor, type TensorFromOptions } from '../../lib/core/tensor.js'
import type { TensorData } from '../../lib/core/tensor-data.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'

expectNoLeaks()

describe('inspect prints as PyTorch does', () => {
  test.each<[string, TensorData, TensorFromOptions['dtype'], string]>([
    ['a whole float', 1, undefined, 'Tensor float32 [] cpu 1.'],
    ['a fraction', 0.1, undefined, 'Tensor float32 [] cpu 0.1000'],
    ['an integer', 7, 'int32', 'Tensor int32 [] cpu 7'],
    ['a big integer', 2n ** 63n - 1n, undefined, 'Tensor int64 [] cpu 9223372036854775807'],
    ['a boolean', [true, false], undefined, 'Tensor bool [2] cpu\n[ true, false]'],
    ['an empty tensor', [[], []], undefined, 'Tensor float32 [2, 0] cpu'],
    [
      'aligned columns',
      [
        [1, 22],
        [333, 4],
      ],
      'int32',
      'Tensor int32 [2, 2] cpu\n[[  1,  22],\n [333,   4]]',
    ],
    ['fractions', [1, -0.5], undefined, 'Tensor float32 [2] cpu\n[ 1.0000, -0.5000]'],
    ['NaN and infinities', [Number.NaN, Infinity, -Infinity], undefined, 'Tensor float32 [3] cpu\n[ nan,  inf, -inf]'],
    ['small numbers', [1e-5, 1], undefined, 'Tensor float32 [2] cpu\n[1.0000e-5, 1.0000e+0]'],
    [
      'complex numbers',
      Float32Array.of(1, -2, 0.5, 3),
      'complex64',
      'Tensor complex64 [2] cpu\n[1.0000-2.0000i, 0.5000+3.0000i]',
    ],
    ['the bits of bfloat16', Uint16Array.of(0x3f80, 0xbfc0), 'bfloat16', 'Tensor bfloat16 [2] cpu\n[ 1.0000, -1.5000]'],
    [
      'the bits of float8',
      Uint8Array.of(0x38, 0x30),
      'float8_e4m3fn',
      'Tensor float8_e4m3fn [2] cpu\n[1.0000, 0.5000]',
    ],
    [
      'the bytes of float4',
      Uint8Array.of(1, 0xab),
      'float4_e2m1fn_x2',
      'Tensor float4_e2m1fn_x2 [2] cpu\n[  1., 171.]',
    ],
  ])(
    '%s',
    inScope((_, data, dtype, text) => {
      expect(inspect(Tensor.from(data, undefined, { dtype }))).toBe(text)
    }),
  )

  scopedTest('blocks of three dimensions apart', () => {
    const tensor = Tensor.from(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), [2, 2, 2])
    expect(inspect(tensor)).toBe('Tensor uint8 [2, 2, 2] cpu\n[[[1, 2],\n  [3, 4]],\n\n [[5, 6],\n  [7, 8]]]')
  })

  scopedTest('the edges of many elements', async () => {
    const tensor = await ops.arange(0, 2000, { dtype: 'int32' })
    expect(inspect(tensor)).toBe('Tensor int32 [2000] cpu\n[   0,    1,    2,  ..., 1997, 1998, 1999]')
    const matrix = await ops.reshape(tensor, [4, 500])
    expect(inspect(matrix).split('\n')).toHaveLength(5)
    expect(inspect(matrix)).toContain('[1500, 1501, 1502,  ..., 1997, 1998, 1999]]')
  })

  scopedTest('lines that stay within 80 columns', async () => {
    const lines = inspect(await ops.rand([100])).split('\n')
    expect(lines.length).toBeGreaterThan(10)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  scopedTest('views by their own elements', async () => {
    const base = Tensor.from(
      [
        [1, 2],
        [3, 4],
      ],
      undefined,
      { dtype: 'int8' },
    )
    expect(inspect(await ops.transpose(base, 0, 1))).toContain('[[1, 3],\n [2, 4]]')
    expect(inspect(await ops.expand(await ops.select(base, 0, 1), [2, 2]))).toContain('[[3, 4],\n [3, 4]]')
  })

  scopedTest('the head alone of tensors whose elements are not at hand or too many', async () => {
    expect(inspect(await Tensor.from([1]).to({ device: 'meta' }))).toBe('Tensor float32 [1] meta')
    const many = await ops.expand(Tensor.from(1), new Array(12).fill(6))
    expect(inspect(many)).toBe(`Tensor float32 [${new Array(12).fill(6).join(', ')}] cpu`)
  })

  scopedTest('the head alone of dtypes that only libtorch knows', async () => {
    for (const [expression, text] of [
      ['x.to(8)', 'Tensor ComplexHalf [1] cpu'],
      ['torch.quantize_per_tensor(x, 0.1, 10, 13)', 'Tensor QUInt8 [1] cpu'],
    ]) {
      const module = await Module.fromSource(`def forward(self, x):\n    return ${expression}\n`)
      expect(inspect(await module.forward(Tensor.from([1])))).toBe(text)
    }
  })

  scopedTest('tensors within objects', () => {
    expect(inspect({ x: Tensor.from(1) })).toBe('{ x: Tensor float32 [] cpu 1. }')
    expect(inspect([Tensor.from([1, 2], undefined, { dtype: 'int8' })])).toMatch(
      /^\[\s+Tensor int8 \[2\] cpu\s+\[1, 2\]\s+\]$/,
    )
  })

  test('disposed tensors and the prototype', () => {
    const tensor = Tensor.from(1)
    tensor.dispose()
    expect(inspect(tensor)).toBe('Tensor (disposed)')
    expect(inspect(Tensor.prototype)).toBe('{}')
  })
})
