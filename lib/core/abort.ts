import { disown, invalidArgument, readSafely } from './errors.js'

/** An AbortSignal of any realm or polyfill. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null || !('aborted' in value)) return false
  const { addEventListener, removeEventListener } = value as Partial<AbortSignal>
  return typeof addEventListener === 'function' && typeof removeEventListener === 'function'
}

/** A polyfill's members may throw, and so may a proxy's. */
function use<T>(signal: AbortSignal, read: () => T): T {
  return readSafely({ name: 'signal', expected: 'an AbortSignal that can be used', actual: signal }, read)
}

/** Throws ERR_TORCH_INVALID_ARGUMENT where the signal cannot tell. */
export function isAborted(signal: AbortSignal): boolean {
  return use(signal, () => signal.aborted)
}

/** Why it was aborted: the caller's, even where it is an error that this package made. */
export function abortReason(signal: AbortSignal): unknown {
  try {
    const { reason } = signal
    disown(reason)
    return reason
  } catch (cause) {
    return invalidArgument('signal', 'an AbortSignal that can be used', signal, { cause })
  }
}

/** For work of several steps, between them. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal !== undefined && isAborted(signal)) throw abortReason(signal)
}

interface Listeners {
  callbacks: Set<() => void>
  listener: () => void
}

/** One listener per signal however many calls share it: Node warns of a leak from the eleventh on. */
const listening = new WeakMap<AbortSignal, Listeners>()

function listen(signal: AbortSignal): Listeners {
  const callbacks = new Set<() => void>()
  const listener = () => {
    listening.delete(signal)
    for (const callback of callbacks) callback()
  }
  use(signal, () => signal.addEventListener('abort', listener, { once: true }))
  const listeners = { callbacks, listener }
  listening.set(signal, listeners)
  return listeners
}

/**
 * Calls back when the signal, which has not fired, does; the returned function ends that and leaves no listener. Both
 * throw ERR_TORCH_INVALID_ARGUMENT where the signal's own methods throw.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const { callbacks, listener } = listening.get(signal) ?? listen(signal)
  callbacks.add(callback)
  return () => {
    if (!callbacks.delete(callback) || callbacks.size > 0) return
    listening.delete(signal)
    use(signal, () => signal.removeEventListener('abort', listener))
  }
}
