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

/** The native generator behind a public one. */
export let nativeGenerator: (generator: Generator) => NativeGenerator

/** torch.Generator: a stream of random numbers of its own, equal to Python's for the same seed on the CPU. */
export class Generator {
  readonly #native: NativeGenerator

  static {
    nativeGenerator = (generator) => generator.#native
  }

  /** Throws ERR_TORCH_DEVICE. */
  constructor(seed: Seed, options?: { device?: string | undefined }) {
    const { device } = parseOptions(generatorOptions, options, 'Generator')
    this.#native = new (native().NativeGenerator)(device, requireSeed(seed, 'Generator'))
    adopt(this)
  }

  get device(): string {
    return this.#native.device
  }

  get disposed(): boolean {
    return this.#native.disposed
  }

  /** Starts the stream again from a seed, behind the calls made before. */
  async seed(seed: Seed): Promise<void> {
    await this.#native.seed(requireSeed(seed, 'generator.seed'))
  }

  /** uint8 [bytes]: where the stream stands; torch.Generator.get_state. */
  getState(): Promise<Tensor> {
    return settle({ start: () => this.#native.getState(), convert: wrapTensor }, undefined)
  }

  /** Continues from a state that getState gave, here or in Python. */
  async setState(state: Tensor): Promise<void> {
    await this.#native.setState(nativeTensor(state))
  }

  dispose(): void {
    this.#native.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

markHandleClass(Generator)

/** torch.manual_seed: seeds the default generators of all devices, behind the calls made before. */
export async function seed(value: Seed): Promise<void> {
  await native().seed(requireSeed(value, 'seed'))
}
