import { isOurs, nameOperation, readStack } from './errors.js'

/**
 * Whether errors of asynchronous calls carry the stack of their caller: 4 us per call, so only on request, by
 * `libtorch.boot({ callerStacks: true })` or NODE_LIBTORCH_CALLER_STACKS=1.
 */
export const callerStacks = { enabled: process.env.NODE_LIBTORCH_CALLER_STACKS === '1' }

/** Who called a verb: completes the errors of ours that its work ends in. */
export class CallSite {
  /** Of calls within a verb, whose own site completes the error. */
  static readonly unnamed = new CallSite(undefined, undefined)
  readonly #operation: string | undefined
  readonly #frames: string[] | undefined

  private constructor(operation: string | undefined, frames: string[] | undefined) {
    this.#operation = operation
    this.#frames = frames
  }

  /** `below`: the function whose caller it is. */
  static of(operation: string, below: (...args: never[]) => unknown): CallSite {
    if (!callerStacks.enabled) return new CallSite(operation, undefined)
    const caller = new Error('called from')
    Error.captureStackTrace(caller, below)
    return new CallSite(operation, readStack(caller).split('\n').slice(1))
  }

  /** Names the verb and, where its stack is known, the caller, whom an error's own stack cannot show. */
  completed(error: unknown): unknown {
    if (this.#operation !== undefined) nameOperation(error, this.#operation)
    if (this.#frames !== undefined && isOurs(error)) {
      Reflect.set(error, 'stack', [readStack(error), '    --- called from ---', ...this.#frames].join('\n'))
    }
    return error
  }
}
