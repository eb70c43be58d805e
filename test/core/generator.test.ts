import { Buffer } from 'node:buffer'
import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { Generator, type Seed, seed } from '../../lib/core/generator.js'
import { Module } from '../../lib/core/module.js'
import { ops } from '../../lib/core/ops.js'
import { Tensor } from '../../lib/core/tensor.js'
import { oraclePython } from '../support/golden-modules.js'
import { expectNoLeaks, inScope, scopedTest } from '../support/handles.js'
import { expectGolden, type GoldenValue, readGolden } from '../support/op-golden.js'

interface Draws {
  randn: GoldenValue
  randnLong: GoldenValue
  rand: GoldenValue
  randint: GoldenValue
  randperm: GoldenValue
}
interface GoldenStream {
  seed?: string
  default?: string
  draws: Draws
  /** base64 of the state after the draws */
  state?: string
  next?: Draws
}

const goldens = readGolden<GoldenStream>('generator.json')
const withState = goldens.find(({ state }) => state !== undefined) as Required<GoldenStream>

expectNoLeaks()

/** A bigint where a number would not be exact. */
function toSeed(text: string): Seed {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

async function expectDraws(golden: Draws, generator?: Generator): Promise<void> {
  await expectGolden(await ops.randn([5], { generator }), golden.randn)
  await expectGolden(await ops.randn([17], { generator }), golden.randnLong)
  await expectGolden(await ops.rand([5], { generator }), golden.rand)
  await expectGolden(await ops.randint(1000, [5], { generator }), golden.randint)
  await expectGolden(await ops.randperm(7, { generator }), golden.randperm)
}

const draw = async (generator?: Generator) => [...(await (await ops.rand([3], { generator })).data())]

describe('a seed gives the numbers that it gives in Python', () => {
  const seeded = goldens.flatMap(({ seed, draws }) => (seed === undefined ? [] : [[seed, draws] as const]))

  test.each(seeded)(
    '%s',
    inScope(async (text, draws) => {
      await expectDraws(draws, new Generator(toSeed(text)))
    }),
  )

  test.each(seeded)(
    '%s, set later',
    inScope(async (text, draws) => {
      const generator = new Generator(5)
      await draw(generator)
      await generator.seed(toSeed(text))
      await expectDraws(draws, generator)
    }),
  )

  scopedTest('and the default stream those of torch.manual_seed', async () => {
    const golden = goldens.find((stream) => stream.default !== undefined) as GoldenStream
    await seed(toSeed(golden.default as string))
    await expectDraws(golden.draws)
  })
})

describe('the state of a stream', () => {
  scopedTest('is byte for byte that of Python', async () => {
    const generator = new Generator(toSeed(withState.seed))
    await expectDraws(withState.draws, generator)
    const state = await generator.getState()
    expect([state.dtype, state.shape]).toEqual(['uint8', [Buffer.from(withState.state, 'base64').length]])
    expect(Buffer.from((await state.data()).buffer).toString('base64')).toBe(withState.state)
  })

  scopedTest('of Python continues here', async () => {
    const generator = new Generator(0)
    await generator.setState(Tensor.from(Buffer.from(withState.state, 'base64')))
    await expectDraws(withState.next, generator)
  })

  scopedTest('goes back to where it was', async () => {
    const generator = new Generator(3)
    await draw(generator)
    const state = await generator.getState()
    const first = await draw(generator)
    expect(await draw(generator)).not.toEqual(first)
    await generator.setState(state)
    expect(await draw(generator)).toEqual(first)
  })

  scopedTest('is refused where it is none', async () => {
    const generator = new Generator(3)
    const expected = await draw(new Generator(3))
    for (const state of [Tensor.from(new Uint8Array(5)), Tensor.from(new Uint8Array(0))]) {
      await expect(generator.setState(state)).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
    }
    await expect(generator.setState(Tensor.from([1, 2]))).rejects.toMatchObject({ code: 'ERR_TORCH_DTYPE' })
    expect(await draw(generator)).toEqual(expected)
  })
})

describe('streams are apart', () => {
  scopedTest('one of a call leaves the default one where it is', async () => {
    const generator = new Generator(11)
    await seed(1)
    const expected = [await draw(), await draw()]
    await seed(1)
    const first = await draw()
    await draw(generator)
    await ops.dropout(await ops.ones([100]), { generator })
    const module = await Module.fromSource('def forward(self, x):\n    return torch.rand_like(x)\n')
    await module.call('forward', [await ops.ones([3])], { generator })
    expect([first, await draw()]).toEqual(expected)
  })

  scopedTest('a module draws from the generator of its call as the operator does', async () => {
    const generator = new Generator(11)
    const module = await Module.fromSource('def forward(self, x):\n    return torch.rand_like(x)\n')
    const x = await ops.ones([3])
    const drawn = (await module.call('forward', [x], { generator })) as Tensor
    const again = (await module.call('forward', [x], { generator })) as Tensor
    const same = new Generator(11)
    expect([...(await drawn.data())]).toEqual(await draw(same))
    expect([...(await again.data())]).toEqual(await draw(same))
  })

  scopedTest('two of them, used at once', async () => {
    const alone = new Generator(21)
    const expected = [await draw(alone), await draw(alone), await draw(alone)]
    const [first, second] = [new Generator(21), new Generator(21)]
    const drawn = await Promise.all([first, second, first, second, first, second].map(draw))
    expect([drawn[0], drawn[2], drawn[4]]).toEqual(expected)
    expect([drawn[1], drawn[3], drawn[5]]).toEqual(expected)
  })
})

describe('the default generator', () => {
  interface DefaultStream {
    drawn: number[]
    state: string
    next: number[]
    afterwards: string
  }
  const program = `
import base64, json, torch
state = lambda: base64.b64encode(bytes(torch.default_generator.get_state().tolist())).decode()
torch.manual_seed(9)
drawn = torch.rand(3).tolist()
saved = state()
next = torch.randn(5).tolist()
print(json.dumps(dict(drawn=drawn, state=saved, next=next, afterwards=state())))`
  const module = () => Module.fromSource('def forward(self):\n    return torch.rand([3])\n')
  const stateOf = async (generator: Generator) =>
    Buffer.from((await (await generator.getState()).data('uint8')).buffer).toString('base64')

  scopedTest('stands where that of Python stands, and resumes from its state, bit for bit', async () => {
    const python: DefaultStream = JSON.parse(execFileSync(oraclePython, ['-c', program], { encoding: 'utf8' }))
    const generator = Generator.default()
    expect(generator.device).toBe('cpu')
    await seed(9)
    expect(await draw()).toEqual(python.drawn)
    expect(await stateOf(generator)).toBe(python.state)
    await seed(1)
    await Generator.default('cpu').setState(Tensor.from(Buffer.from(python.state, 'base64')))
    expect([...(await (await ops.randn([5])).data('float32'))]).toEqual(python.next)
    expect(await stateOf(generator)).toBe(python.afterwards)
    await generator.seed(9)
    expect(await draw()).toEqual(python.drawn)
  })

  scopedTest('goes on when it is given to a call', async () => {
    const generator = Generator.default()
    const runs: number[][] = []
    for (const options of [undefined, { generator }]) {
      await seed(4)
      for (let i = 0; i < 2; i++) {
        const drawn = await (await module()).call<Tensor>('forward', [], options)
        runs.push([...(await drawn.data('float32'))], (await draw(options?.generator)).map(Number))
      }
    }
    expect(runs.slice(4)).toEqual(runs.slice(0, 4))
    expect(runs[0]).not.toEqual(runs[2])
  })

  scopedTest('is not seeded or read while a call on another lane has its own in its place', async () => {
    const source = `
def forward(self, n: int):
    x = torch.ones(300, 300)
    for i in range(n):
        x = torch.matmul(x, x).clamp(0.0, 1.0)
    return torch.rand(2)
`
    const slow = await Module.fromSource(source, { lane: 1 })
    const drawnWith = async (n: number) =>
      (await slow.call<Tensor>('forward', [n], { generator: new Generator(7) })).toArray()
    const [own, afterSeed] = [await drawnWith(1), (await seed(42), await draw())]
    await seed(1)
    const state = await stateOf(Generator.default())
    const meanwhile = drawnWith(60)
    await new Promise((resolve) => setTimeout(resolve, 20)) // it runs
    expect(await stateOf(Generator.default())).toBe(state)
    await seed(42)
    expect(await meanwhile).toEqual(own)
    expect(await draw()).toEqual(afterSeed)
  })

  scopedTest('outlives its handles', async () => {
    await seed(4)
    const expected = [await draw(), await draw()]
    await seed(4)
    const generator = Generator.default()
    const first = await draw(generator)
    generator.dispose()
    expect([first, await draw()]).toEqual(expected)
    await expect(draw(generator)).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED' })
    const call = (await module()).call('forward', [], { generator })
    await expect(call).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED' })
    for (const device of ['meta', 'cuda:99', 'cpu?']) {
      expect(() => Generator.default(device)).toThrow(expect.objectContaining({ code: 'ERR_TORCH_DEVICE' }))
    }
  })
})

test('a generator has a device, and none of its use after dispose', async () => {
  const generator = new Generator(1)
  expect(generator).toMatchObject({ device: 'cpu', disposed: false })
  generator.dispose()
  generator[Symbol.dispose]()
  expect(generator.disposed).toBe(true)
  const uses = [() => generator.seed(1), () => generator.getState(), () => draw(generator)]
  for (const use of uses) await expect(use()).rejects.toMatchObject({ code: 'ERR_TORCH_DISPOSED' })
  expect(() => new Generator(1, { device: 'cuda:99' })).toThrow(expect.objectContaining({ code: 'ERR_TORCH_DEVICE' }))
})

test('a seed that 64 bits cannot hold is refused', async () => {
  for (const wrong of [2n ** 64n, -(2n ** 63n) - 1n, 2 ** 53, 1.5, Number.NaN, '1', null, undefined] as Seed[]) {
    expect(() => new Generator(wrong)).toThrow(expect.objectContaining({ code: 'ERR_TORCH_INVALID_ARGUMENT' }))
    await expect(seed(wrong)).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT', operation: 'seed' })
  }
})
