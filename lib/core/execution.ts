import type { NativeCancellation, NativeContext, NativeValue } from '../../binding.js'
import { isAbortSignal } from './abort.js'
import { type DType, isDType } from './dtype.js'
import { invalidArgument, TorchError } from './errors.js'
import { type Generator, isGenerator, nativeGenerator } from './generator.js'
import { settle } from './settle.js'
import { discardNative, fromNative, type Value } from './value.js'

const gradModes = ['no-grad', 'inference', 'enabled'] as const

/** How a call runs: the last options of every operator and module method. Nothing of it outlives the call. */
export interface ExecutionOptions {
  /** 'no-grad' (default), 'inference' (no version counters either: such tensors cannot be trained with), 'enabled'. */
  gradMode?: (typeof gradModes)[number] | undefined
  /** Computes as torch.autocast(dtype) does on the call's device. */
  autocast?: DType | undefined
  /** Replaces the default generator of its device while the call runs. */
  generator?: Generator | undefined
  /** Rejects with `signal.reason`: before queueing, when the call's turn comes, or at once while it runs. */
  signal?: AbortSignal | undefined
}

type Check = [expected: string, accepts: (value: unknown) => boolean]

const checks: Record<keyof ExecutionOptions, Check> = {
  gradMode: ["'no-grad', 'inference' or 'enabled'", (value) => gradModes.some((mode) => mode === value)],
  autocast: ["a dtype such as 'bfloat16'", isDType],
  generator: ['a Generator', isGenerator],
  signal: ['an AbortSignal', isAbortSignal],
}

export const executionOptionNames: readonly string[] = Object.keys(checks)

// By hand, not by a schema: this runs with every operator.
function checkedOptions(options: ExecutionOptions, operation: string): ExecutionOptions {
  if (typeof options !== 'object' || options === null)
    throw invalidArgument('options', 'an object', options, { operation })
  const { gradMode, autocast, generator, signal } = options
  const read: ExecutionOptions = { gradMode, autocast, generator, signal }
  for (const [name, [expected, accepts]] of Object.entries(checks)) {
    const value = read[name as keyof ExecutionOptions]
    if (value !== undefined && !accepts(value)) throw invalidArgument(name, expected, value, { operation })
  }
  return read
}

function nativeContext(
  { gradMode, autocast, generator }: ExecutionOptions,
  cancellation: NativeCancellation | undefined,
): NativeContext {
  return { gradMode, autocast, generator: generator && nativeGenerator(generator), cancellation }
}

/**
 * Runs a native call under `options` and converts what it gives. Checks the values of the four options; whether there
 * are others is the caller's to check. Never throws, only rejects.
 */
export function execute(
  operation: string,
  options: ExecutionOptions | undefined,
  start: (context: NativeContext | undefined) => Promise<NativeValue>,
): Promise<Value> {
  if (options === undefined) return settle(operation, { start: () => start(undefined), convert: fromNative })
  let checked: ExecutionOptions
  try {
    checked = checkedOptions(options, operation)
  } catch (cause) {
    if (cause instanceof TorchError) return Promise.reject(cause)
    // A getter or a proxy of the caller threw.
    return Promise.reject(invalidArgument('options', 'an object that can be read', options, { operation, cause }))
  }
  return settle(
    operation,
    {
      start: (cancellation) => start(nativeContext(checked, cancellation)),
      convert: fromNative,
      discard: discardNative,
    },
    checked.signal,
  )
}
