import type { Module } from '../core/module.js'
import { keep, scope } from '../core/scope.js'
import type { ModelPreprocessConfig } from '../io/preprocess-config.js'
import type { OpenedModel } from './open-model.js'

/** Methods that TorchScript programs of timm have, kept when a program is frozen. */
const kept = ['forward_features', 'forward_head', 'forward_intermediates']

/** 'auto' folds batch norms and stores weights as the CPU likes them; 'none' runs the program as it is. */
export type Optimize = 'auto' | 'none'

type Config = Omit<OpenedModel, 'module'>

/** What a model is made from. */
export class ModelParts {
  readonly #own = true

  /** Runs no code of the caller's, as `instanceof` would with a proxy. */
  static is(value: unknown): value is ModelParts {
    return typeof value === 'object' && value !== null && #own in value && value.#own
  }

  constructor(
    /** The program as it is, for verbs other than forward, and for training. */
    readonly module: Module,
    /** The same, optimized for inference. */
    readonly inference: Module,
    readonly config: Config,
    readonly preprocess: ModelPreprocessConfig,
  ) {}

  /**
   * Parts of a changed program, which `change` makes of this one; it runs as it is. Nothing stays behind where the change
   * fails.
   */
  async with(change: (module: Module) => Promise<Module>, config: Partial<Config> = {}): Promise<ModelParts> {
    const module = await scope(async () => keep(await change(this.module)))
    return new ModelParts(module, module, { ...this.config, ...config }, this.preprocess)
  }
}

/** Convolutions of each channel by itself, whose weights are [channels, 1, height, width]. */
async function hasDepthwise(module: Module, signal: AbortSignal | undefined): Promise<boolean> {
  return scope(async () => {
    const state = await module.stateDict({ signal })
    return [...state.values()].some(({ shape: [, inputs, height = 1] }) => inputs === 1 && height > 1)
  })
}

/** The program for inference alone. */
export async function optimized(module: Module, optimize: Optimize, signal?: AbortSignal): Promise<Module> {
  if (optimize === 'none') return module
  const names = module.methods().map(({ name }) => name)
  const preserve = names.filter((name) => kept.includes(name))
  // Depthwise convolutions take twice the time in oneDNN's layouts.
  const layouts = !(await hasDepthwise(module, signal))
  return module.freeze({ preserve, channelsLast: true, optimize: layouts, signal })
}
