import type { NativeCancellation } from '../../binding.js'
import { isAborted, onAbort } from './abort.js'
import { callerStacks } from './caller-stacks.js'
import { disown, isOurs, nameOperation, readStack } from './errors.js'
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
    let aborted = false
    const abort = () => {
      aborted = true
      disown(signal.reason)
      reject(signal.reason)
    }
    if (isAborted(signal)) return abort()
    const cancellation = new (native().NativeCancellation)()
    // Before the call: were the signal to refuse its listener afterwards, nobody would hear of the result.
    const stop = onAbort(signal, () => {
      abort()
      cancellation.cancel()
    })
    new Promise<Native>((started) => started(flow.start(cancellation)))
      .then((result) => {
        stop()
        if (aborted) flow.discard?.(result)
        else resolve(flow.convert(result))
      })
      .catch((error) => {
        reject(error)
        stop()
      })
      .catch(reject)
  })
}

/** Completes errors of ours: the verb, and on request the caller's stack, since theirs only knows the event loop. */
function failing(operation: string): (error: unknown) => never {
  let frames: string[] | undefined
  if (callerStacks.enabled) {
    const caller = new Error('called from')
    Error.captureStackTrace(caller, settle)
    frames = readStack(caller).split('\n').slice(1)
  }
  return (error) => {
    nameOperation(error, operation)
    if (frames !== undefined && isOurs(error)) {
      Reflect.set(error, 'stack', [readStack(error), '    --- called from ---', ...frames].join('\n'))
    }
    throw error
  }
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
  const fail = failing(operation)
  try {
    if (signal !== undefined) return abortable(flow, signal).catch(fail)
    return flow.start(undefined).then(flow.convert, fail)
  } catch (error) {
    return Promise.reject(error).catch(fail)
  }
}

/** `settle` where the result is what the native call gives, and nothing of it needs to be given back. */
export function settleAsIs<T>(operation: string, start: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  return settle(operation, { start, convert: (result) => result }, signal)
}
