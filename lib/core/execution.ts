import type { NativeContext, NativeValue, Pending } from '../../binding.js'
import { isAbortSignal } from './abort.js'
import { invalidArgument, readSafely } from './errors.js'
import { type Generator, isGenerator, overridingGenerator } from './generator.js'
import { settle } from './settle.js'
import { discardNative, fromNative, type Value } from './value.js'

const gradModes = ['no-grad', 'inference', 'enabled'] as const
const autocastDTypes = ['float16', 'bfloat16'] as const

/** How a call runs: the last options of every operator and module method. Nothing of it outlives the call. */
export interface ExecutionOptions {
  /** 'no-grad' (default), 'inference' (no version counters either: such tensors cannot be trained with), 'enabled'. */
  gradMode?: (typeof gradModes)[number] | undefined
  /** Computes as torch.autocast(dtype) does on the call's device. */
  autocast?: (typeof autocastDTypes)[number] | undefined
  /**
   * Replaces the default generator of its device while the call runs. Default generators belong to the process, so the
   * call runs alone among those that draw from one, whatever their lanes: it waits for them, and they wait for it. Where
   * an operator has an argument for a generator it is handed over there, and the call need not be alone.
   */
  generator?: Generator | undefined
  /** Rejects with `signal.reason`: before queueing, when the call's turn comes, or at once while it runs. */
  signal?: AbortSignal | undefined
}

type Check = [expected: string, accepts: (value: unknown) => boolean]

const checks: Record<keyof ExecutionOptions, Check> = {
  gradMode: ["'no-grad', 'inference' or 'enabled'", (value) => gradModes.some((mode) => mode === value)],
  autocast: ["'float16' or 'bfloat16'", (value) => autocastDTypes.some((dtype) => dtype === value)],
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
  context: NativeContext | undefined,
): NativeContext {
  return { ...context, gradMode, autocast, generator: generator && overridingGenerator(generator) }
}

/**
 * Runs a native call under `options` and converts what it gives. Checks the values of the four options; whether there
 * are others is the caller's to check. Never throws, only rejects.
 */
export function execute(
  operation: string,
  options: ExecutionOptions | undefined,
  start: (context: NativeContext | undefined) => Pending<NativeValue>,
): Promise<Value> {
  if (options === undefined) return settle(operation, { start: () => start(undefined), convert: fromNative })
  let checked: ExecutionOptions
  try {
    const given = { name: 'options', expected: 'an object that can be read', actual: options, operation }
    checked = readSafely(given, () => checkedOptions(options, operation))
  } catch (error) {
    return Promise.reject(error)
  }
  return settle(
    operation,
    {
      start: (context) => start(nativeContext(checked, context)),
      convert: fromNative,
      discard: discardNative,
    },
    checked.signal,
  )
}
