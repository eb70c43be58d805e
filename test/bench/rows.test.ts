import { describe, expect, test } from 'vitest'

// Scripts are JavaScript without declarations: an address that the compiler cannot follow gives them type any.
const script = (name: string) => import(new URL(`../../scripts/bench/${name}.mjs`, import.meta.url).href)
const { median, quantile, round } = await script('statistics')
const { measuredRow, missingRow } = await script('row')
const { runFamilies } = await script('runner')
const { formatMarkdown, formatTable } = await script('table')
const { equalsGolden } = await script('resnet18')
const { CannotRunHere, measureInChild } = await script('child')

const time = { row: 'speed.p50', unit: 'ms', better: 'lower' }
const rate = { row: 'speed.rate', unit: '1/s', better: 'higher' }
const context = { log() {} }

describe('statistics', () => {
  test('a quantile is a sample that the given share does not exceed', () => {
    const samples = [5, 1, 4, 2, 3]
    expect([0, 0.2, 0.21, 0.5, 0.99, 1].map((share) => quantile(samples, share))).toEqual([1, 1, 2, 3, 5, 5])
  })

  test('the median of an even count lies between its two middle samples', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([9, 1, 5])).toBe(5)
  })

  test('figures keep three digits', () => {
    expect([0.65949, 1234.5, 0.000123456].map(round)).toEqual([0.659, 1230, 0.000123])
  })
})

describe('a row', () => {
  test('has a ratio above 1 where ours is better, for times and for rates', () => {
    const figures = { ours: 2, peer: 8, peerName: 'peer', n: 3, correct: true }
    expect(measuredRow(time, figures).ratio).toBe(4)
    expect(measuredRow(rate, figures).ratio).toBe(0.25)
  })

  test('has no ratio without a peer, nor where a figure is zero', () => {
    expect(measuredRow(time, { ours: 2, n: 1, correct: true })).toMatchObject({
      peer: null,
      peerName: null,
      ratio: null,
    })
    expect(measuredRow(time, { ours: 0, peer: 3, peerName: 'peer', n: 1, correct: true }).ratio).toBeNull()
  })

  test('that did not run says why', () => {
    expect(missingRow(time, 'needs a GPU')).toEqual({
      row: 'speed.p50',
      ours: null,
      peer: null,
      peerName: null,
      ratio: null,
      unit: 'ms',
      n: 0,
      correct: false,
      why: 'needs a GPU',
    })
  })
})

describe('the runner', () => {
  const figures = (correct: boolean) => ({ ours: 1, peer: 2, peerName: 'peer', n: 1, correct })
  const family = (measure: () => unknown) => ({ rows: [time, rate], measure: async () => measure() })
  const both = (correct: boolean) => ({ 'speed.p50': figures(correct), 'speed.rate': figures(correct) })

  test('keeps every row of a family that breaks, and fails', async () => {
    const broken = family(() => {
      throw new Error('out of order')
    })
    const { rows, failed } = await runFamilies([broken, family(() => both(true))], context)
    expect(failed).toBe(true)
    expect(rows.map(({ why }: { why?: string }) => why)).toEqual(['out of order', 'out of order', undefined, undefined])
  })

  test('does not fail for what this machine cannot run', async () => {
    const impossible = family(() => {
      throw new CannotRunHere('needs a GPU')
    })
    const { rows, failed } = await runFamilies([impossible], context)
    expect(failed).toBe(false)
    expect(rows[0]).toMatchObject({ ours: null, why: 'needs a GPU' })
  })

  test('fails for wrong outputs', async () => {
    expect((await runFamilies([family(() => both(false))], context)).failed).toBe(true)
  })

  test('selects rows by name or by the first parts of it', async () => {
    const names = async (filter: string) =>
      (await runFamilies([family(() => both(true))], context, filter)).rows.map(({ row }: { row: string }) => row)
    expect(await names('speed')).toEqual(['speed.p50', 'speed.rate'])
    expect(await names('speed.rate')).toEqual(['speed.rate'])
    expect(await names('spee')).toEqual([])
  })
})

describe('a child process', () => {
  const node = (code: string, options: object = {}) =>
    measureInChild(process.execPath, ['--eval', code], { cwd: '.', ...options })

  test('reports with its last line', async () => {
    expect((await node('console.log("warming up"); console.log(JSON.stringify({ ms: 5 }))')).result).toEqual({ ms: 5 })
  })

  test('that fails is an error with its exit code and what it said', async () => {
    await expect(node('console.error("no such model"); process.exit(3)')).rejects.toThrow(/exit code 3\nno such model/)
  })

  test('that dies by a signal is an error that names it', async () => {
    await expect(node('process.kill(process.pid, "SIGSEGV")')).rejects.toThrow(/SIGSEGV/)
  })

  test('that hangs is ended', async () => {
    await expect(node('setInterval(() => {}, 1000)', { timeoutSeconds: 0.5 })).rejects.toThrow(/no end after 0.5 s/)
  })
})

describe('as text', () => {
  const document = {
    suite: 'core',
    machine: { cpu: 'CPU', isa: 'avx2', cores: 2 },
    versions: { node: '20.20.0' },
    rows: [
      measuredRow(time, { ours: 2, peer: 8, peerName: 'peer', n: 3, correct: true, note: 'quiet' }),
      missingRow(rate, 'needs a GPU'),
    ],
  }

  test('the table shows every row, its note, and why one did not run', () => {
    const text = formatTable(document)
    expect(text).toContain('suite core on CPU (avx2), 2 cores\nnode 20.20.0')
    expect(text).toMatch(/^speed\.p50 +2 +8 +ms +4 +3 +yes +peer$/m)
    expect(text).toMatch(/^speed\.p50: quiet$/m)
    expect(text).toMatch(/^speed\.rate: did not run: needs a GPU$/m)
  })

  test('the Markdown has one line with everything per row', () => {
    const lines = formatMarkdown(document).split('\n').slice(-2)
    expect(lines[0]).toBe('| speed.p50 | 2 | 8 | ms | 4 | 3 | yes | peer | quiet |')
    expect(lines[1]).toBe('| speed.rate | - | - | 1/s | - | 0 | NO | - | did not run: needs a GPU |')
  })
})

describe('outputs are equal to the golden', () => {
  const golden = { logits: [1, -2, 3] }

  test('within 1e-5', () => {
    expect(equalsGolden(new Float32Array([1, -2.000009, 3]), golden)).toBe(true)
    expect(equalsGolden(new Float32Array([1, -2.00002, 3]), golden)).toBe(false)
  })

  test('never where a value is missing, too many or no number', () => {
    for (const logits of [
      [1, -2],
      [1, -2, 3, 4],
      [1, -2, Number.NaN],
    ])
      expect(equalsGolden(logits, golden)).toBe(false)
  })
})
