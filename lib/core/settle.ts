import type { NativeContext, Pending } from '../../binding.js'
import { abortReason, isAborted, onAbort } from './abort.js'
import { arrival, arrived } from './arrivals.js'
import { CallSite } from './call-site.js'
import { disown } from './errors.js'
import { native } from './native.js'

/** A native call, or work that ends with the result of one. */
type Started<Native> = Pending<Native> | Promise<Native>

interface CallFlow<Native, Public> {
  /** `context` has the cancellation, where the call has a signal. A throw is a rejection of the result. */
  start(context: NativeContext | undefined): Started<Native>
  convert(result: Native): Public
  /** Gives back a result that nobody will see. */
  discard?(result: Native): void
}

/** No promise around another: a late result is then discarded before later calls go on. */
function startedBy<Native>(flow: CallFlow<Native, unknown>, context: NativeContext): Promise<Native> {
  try {
    const started = flow.start(context)
    return typeof started === 'number' ? arrived(started) : started
  } catch (error) {
    return Promise.reject(error)
  }
}

function abortable<Native, Public>(flow: CallFlow<Native, Public>, signal: AbortSignal): Promise<Public> {
  return new Promise((resolve, reject) => {
    let aborted = false
    const abort = () => {
      aborted = true
      const reason = abortReason(signal)
      disown(reason)
      reject(reason)
    }
    if (isAborted(signal)) return abort()
    const cancellation = new (native().NativeCancellation)()
    // Before the call: were the signal to refuse its listener afterwards, nobody would hear of the result.
    const stop = onAbort(signal, () => {
      abort()
      cancellation.cancel()
    })
    startedBy(flow, { cancellation })
      .then((result) => {
        if (aborted) flow.discard?.(result)
        else resolve(flow.convert(result))
        stop()
      })
      .catch((error) => {
        reject(error)
        stop()
      })
      .catch(reject)
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
  const site = CallSite.of(operation, settle)
  const fail = (error: unknown) => {
    throw site.completed(error)
  }
  try {
    if (signal !== undefined) return abortable(flow, signal).catch(fail)
    const started = flow.start(undefined)
    if (typeof started === 'number') return arrival(started, flow.convert, site)
    return started.then(flow.convert).catch(fail)
  } catch (error) {
    return Promise.reject(site.completed(error))
  }
}

/** `settle` where the result is what the call gives, and nothing of it needs to be given back. */
export function settleAsIs<T>(operation: string, start: CallFlow<T, T>['start'], signal?: AbortSignal): Promise<T> {
  return settle(operation, { start, convert: (result) => result }, signal)
}
