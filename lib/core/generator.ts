import type { NativeGenerator } from '../../binding.js'
import { invalidArgument } from './errors.js'
import { native } from './native.js'
import { defineOptions, parseOptions } from './options.js'
import { adopt, type Handle, type handleBrand, markHandleClass } from './scope.js'
import { settle, settleAsIs } from './settle.js'
import { nativeTensor, type Tensor, wrapTensor } from './tensor.js'

const generatorOptions = defineOptions((z) => ({ device: z.string().default('cpu') }))

/** A seed as torch.manual_seed takes it: an integer, 64 bits. */
export type Seed = number | bigint

export const isSeed = (value: unknown): value is Seed =>
  typeof value === 'bigint'
    ? BigInt.asUintN(64, value) === value || BigInt.asIntN(64, value) === value
    : Number.isSafeInteger(value)

export const seedText = 'an integer of at most 64 bits (beyond 2^53 a bigint)'

function requireSeed(seed: unknown, operation: string): Seed {
  if (isSeed(seed)) return seed
  throw invalidArgument('seed', seedText, seed, { operation })
}

/** Whether it is a generator of this class's making; no object and no proxy can pretend it. */
export let isGenerator: (value: unknown) => value is Generator
/** The native generator behind a public one; throws ERR_TORCH_INVALID_ARGUMENT for anything else. */
export let nativeGenerator: (generator: Generator) => NativeGenerator
/** The native generator that a call must put in the default one's place; undefined: it is the default one. */
export let overridingGenerator: (generator: Generator) => NativeGenerator | undefined

/** In the place of a seed: no stream of its own. */
const ofProcess = Symbol('default generator')

/** torch.Generator: a stream of random numbers of its own, equal to Python's for the same seed on the CPU. */
export class Generator implements Handle {
  declare readonly [handleBrand]: true
  readonly #native: NativeGenerator
  readonly #isDefault: boolean

  static {
    isGenerator = (value) => typeof value === 'object' && value !== null && #native in value
    nativeGenerator = (generator) => {
      if (isGenerator(generator)) return generator.#native
      throw invalidArgument('generator', 'a Generator', generator)
    }
    // The default one in its own place would be set back by the end of the call. Of a disposed one the addon complains.
    overridingGenerator = (generator) =>
      generator.#isDefault && !generator.disposed ? undefined : nativeGenerator(generator)
  }

  /** Throws ERR_TORCH_DEVICE. */
  constructor(seed: Seed, options?: { device?: string | undefined }) {
    this.#isDefault = (seed as unknown) === ofProcess
    const operation = this.#isDefault ? 'Generator.default' : 'Generator'
    const { device } = parseOptions(generatorOptions, options, operation)
    const start = this.#isDefault ? undefined : requireSeed(seed, operation)
    this.#native = new (native().NativeGenerator)(device, start)
    adopt(this)
  }

  /**
   * The generator of a device that calls draw from when they are given none: torch.default_generator,
   * torch.cuda.default_generators. A second handle on the process's one stream: to dispose it leaves the stream alone.
   * Its state, saved and set again, resumes the default stream bit for bit. Throws ERR_TORCH_DEVICE.
   */
  static default(device = 'cpu'): Generator {
    return new Generator(ofProcess as unknown as Seed, { device })
  }

  get device(): string {
    return nativeGenerator(this).device
  }

  get disposed(): boolean {
    return nativeGenerator(this).disposed
  }

  /**
   * Starts the stream again from a seed, behind the calls made before on lane 0 of the generator's device. A call on
   * another lane that draws from it and is not awaited draws before or after.
   */
  async seed(seed: Seed): Promise<void> {
    return settleAsIs('generator.seed', () => nativeGenerator(this).seed(requireSeed(seed, 'generator.seed')))
  }

  /** uint8 [bytes]: where the stream stands, in the order of `seed`; torch.Generator.get_state. */
  getState(): Promise<Tensor> {
    return settle('generator.getState', { start: () => nativeGenerator(this).getState(), convert: wrapTensor })
  }

  /** Continues from a state that getState gave, here or in Python; in the order of `seed`. */
  async setState(state: Tensor): Promise<void> {
    return settleAsIs('generator.setState', () => nativeGenerator(this).setState(nativeTensor(state)))
  }

  dispose(): void {
    nativeGenerator(this).dispose()
  }

  [Symbol.dispose](): void {
    nativeGenerator(this).dispose()
  }
}

markHandleClass(Generator, 'await generator.getState()')

/**
 * torch.manual_seed: seeds the default generators of all devices, behind the calls made before on lane 0. A call on
 * another lane that is not awaited draws before or after; one with a generator of its own is not disturbed.
 */
export async function seed(value: Seed): Promise<void> {
  return settleAsIs('seed', () => native().seed(requireSeed(value, 'seed')))
}
