import type { NativeGenerator } from '../../binding.js'
import { invalidArgument } from './errors.js'
import { native } from './native.js'
import { defineOptions, parseOptions } from './options.js'
import { adopt, markHandleClass } from './scope.js'
import { settle } from './settle.js'
import { nativeTensor, type Tensor, wrapTensor } from './tensor.js'

const generatorOptions = defineOptions((z) => ({ device: z.string().default('cpu') }))

/** A seed as torch.manual_seed takes it: an integer, 64 bits. */
export type Seed = number | bigint

function requireSeed(seed: unknown, operation: string): Seed {
  if (typeof seed === 'bigint' && BigInt.asUintN(64, seed) === seed) return seed
  if (typeof seed === 'bigint' && BigInt.asIntN(64, seed) === seed) return seed
  if (Number.isSafeInteger(seed)) return seed as Seed
  throw invalidArgument('seed', 'an integer of at most 64 bits (beyond 2^53 a bigint)', seed, { operation })
}

/** Whether it is a generator of this class's making; no object and no proxy can pretend it. */
export let isGenerator: (value: unknown) => value is Generator
/** The native generator behind a public one; throws ERR_TORCH_INVALID_ARGUMENT for anything else. */
export let nativeGenerator: (generator: Generator) => NativeGenerator

/** torch.Generator: a stream of random numbers of its own, equal to Python's for the same seed on the CPU. */
export class Generator {
  readonly #native: NativeGenerator

  static {
    isGenerator = (value) => typeof value === 'object' && value !== null && #native in value
    nativeGenerator = (generator) => {
      if (isGenerator(generator)) return generator.#native
      throw invalidArgument('generator', 'a Generator', generator)
    }
  }

  /** Throws ERR_TORCH_DEVICE. */
  constructor(seed: Seed, options?: { device?: string | undefined }) {
    const { device } = parseOptions(generatorOptions, options, 'Generator')
    this.#native = new (native().NativeGenerator)(device, requireSeed(seed, 'Generator'))
    adopt(this)
  }

  get device(): string {
    return nativeGenerator(this).device
  }

  get disposed(): boolean {
    return nativeGenerator(this).disposed
  }

  /** Starts the stream again from a seed, behind the calls made before. */
  async seed(seed: Seed): Promise<void> {
    await nativeGenerator(this).seed(requireSeed(seed, 'generator.seed'))
  }

  /** uint8 [bytes]: where the stream stands; torch.Generator.get_state. */
  getState(): Promise<Tensor> {
    return settle('generator.getState', { start: () => nativeGenerator(this).getState(), convert: wrapTensor })
  }

  /** Continues from a state that getState gave, here or in Python. */
  async setState(state: Tensor): Promise<void> {
    await nativeGenerator(this).setState(nativeTensor(state))
  }

  dispose(): void {
    nativeGenerator(this).dispose()
  }

  [Symbol.dispose](): void {
    nativeGenerator(this).dispose()
  }
}

markHandleClass(Generator)

/** torch.manual_seed: seeds the default generators of all devices, behind the calls made before. */
export async function seed(value: Seed): Promise<void> {
  await native().seed(requireSeed(value, 'seed'))
}
