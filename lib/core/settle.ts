import type { NativeCancellation } from '../../binding.js'
import { onAbort } from './abort.js'
import { callerStacks } from './caller-stacks.js'
import { TorchError } from './errors.js'
import { native } from './native.js'

interface CallFlow<Native, Public> {
  /** Starts the native call; a throw is a rejection of the result. */
  start(cancellation: NativeCancellation | undefined): Promise<Native>
  convert(result: Native): Public
  /** Gives back a result that nobody will see. */
  discard?(result: Native): void
}

function abortable<Native, Public>(flow: CallFlow<Native, Public>, signal: AbortSignal): Promise<Public> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) throw signal.reason
    const cancellation = new (native().NativeCancellation)()
    const pending = flow.start(cancellation)
    const stop = onAbort(signal, () => {
      cancellation.cancel()
      reject(signal.reason)
    })
    pending
      .then((result) => {
        stop()
        if (signal.aborted) flow.discard?.(result)
        else resolve(flow.convert(result))
      })
      .catch((error) => {
        stop()
        reject(error)
      })
  })
}

/** The native side knows its own names only. */
function rejectAs(operation: string) {
  return (error: unknown): never => {
    if (error instanceof TorchError) Object.assign(error, { operation })
    throw error
  }
}

/** Adds the caller's stack to the native error's own, which only knows the event loop. */
function withCallerStack<T>(promise: Promise<T>): Promise<T> {
  const caller = new Error('called from')
  Error.captureStackTrace(caller, withCallerStack)
  return promise.catch((error) => {
    if (error instanceof Error) {
      const frames = caller.stack?.split('\n').slice(1).join('\n') ?? ''
      error.stack = `${error.stack}\n    --- called from ---\n${frames}`
    }
    throw error
  })
}

/**
 * The one way from a verb to a native call. The signal counts before queueing, when the task leaves its queue, and
 * while it runs: then the promise rejects with `signal.reason` at once, and the late result is discarded.
 */
export function settle<Native, Public>(
  operation: string,
  flow: CallFlow<Native, Public>,
  signal?: AbortSignal,
): Promise<Public> {
  let promise: Promise<Public>
  try {
    promise =
      signal === undefined
        ? flow.start(undefined).then(flow.convert, rejectAs(operation))
        : abortable(flow, signal).catch(rejectAs(operation))
  } catch (error) {
    promise = Promise.reject(error).catch(rejectAs(operation))
  }
  return callerStacks.enabled ? withCallerStack(promise) : promise
}
