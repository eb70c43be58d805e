import { describe, expect, test } from 'vitest'

// Scripts are JavaScript without declarations: an address that the compiler cannot follow gives them type any.
const script = (name: string) => import(new URL(`../../scripts/bench/preprocess/${name}.mjs`, import.meta.url).href)
const { equalsLogits } = await script('predictions')
const { cpuFigures, inTurn } = await script('cpu-time')
const { parseCpuList } = await script('two-cores')
const { families } = await script('suite')

test('every row of the suite has a name of its own', () => {
  const names = families.flatMap(({ rows }: { rows: { row: string }[] }) => rows.map(({ row }) => row))
  expect(new Set(names).size).toBe(names.length)
  expect(names).toContain('preprocess.640x480')
})

describe('predictions against logits', () => {
  /** float32 [images, 1000]: 0 but for the classes given, whose probability is p. */
  const logits = (...images: Record<number, number>[]) => {
    const all = new Float32Array(images.length * 1000)
    for (const [image, classes] of images.entries()) {
      const given = Object.entries(classes)
      const rest = 1 - given.reduce((sum, [, p]) => sum + p, 0)
      const share = rest / (1000 - given.length)
      for (const [index, p] of given) all[image * 1000 + Number(index)] = Math.log(p / share)
    }
    return all
  }
  const two = logits({ 7: 0.6, 3: 0.3 }, { 999: 0.5, 0: 0.25 })
  const right = [
    [
      [7, 0.6],
      [3, 0.3],
    ],
    [
      [999, 0.5],
      [0, 0.25],
    ],
  ]

  test('are equal within 1e-4', () => {
    expect(equalsLogits(right, two)).toBe(true)
    expect(equalsLogits([[[7, 0.60009]], [[999, 0.49991]]], two)).toBe(true)
    expect(equalsLogits([[[7, 0.6002]], [[999, 0.5]]], two)).toBe(false)
  })

  test('may have either order where classes are closer than that', () => {
    const close = logits({ 7: 0.40003, 3: 0.4 })
    expect(
      equalsLogits(
        [
          [
            [3, 0.4],
            [7, 0.40003],
          ],
        ],
        close,
      ),
    ).toBe(true)
  })

  test('are not equal with another order, another image, a class twice, a NaN, or something missing', () => {
    const [first, second] = right
    const wrong = [
      [[...(first ?? [])].reverse(), second],
      [second, first],
      [first],
      [first, []],
      [[[7, Number.NaN]], second],
      [
        [
          [7, 0.6],
          [7, 0.6],
        ],
        second,
      ],
    ]
    for (const predictions of wrong) expect(equalsLogits(predictions, two)).toBe(false)
  })
})

describe('CPU time', () => {
  const round = (milliseconds: number[], sha256 = 'a') => ({ image: { milliseconds, sha256 } })

  test('of a round is its mean, of a row the median of its rounds', () => {
    const results = { ours: [round([1, 1, 4]), round([9, 9]), round([3, 3])], peer: [round([10, 20]), round([5, 5])] }
    expect(cpuFigures(results, 'image', 'timm', ['a remark'])).toEqual({
      ours: 3,
      peer: 10,
      peerName: 'timm',
      n: 7,
      correct: true,
      note: 'single runs, median: ours 3, peer 7.5 ms; a remark',
    })
  })

  test('is worth nothing where one hash differs', () => {
    const differing = { ours: [round([1]), round([1], 'b')], peer: [round([1])] }
    expect(cpuFigures(differing, 'image', 'timm', []).correct).toBe(false)
  })

  test('is measured in turn', async () => {
    const order: string[] = []
    const side = (name: string) => async () => order.push(name)
    expect(await inTurn(2, side('ours'), side('peer'))).toEqual({ ours: [1, 3], peer: [2, 4] })
    expect(order).toEqual(['ours', 'peer', 'ours', 'peer'])
  })
})

test('a list of cores is read as the kernel writes it', () => {
  expect(parseCpuList('0-2,5')).toEqual([0, 1, 2, 5])
  expect(parseCpuList('7')).toEqual([7])
})
