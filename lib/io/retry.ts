import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorInfo, type TorchError, torchError } from '../core/errors.js'

/** The failures that may pass by themselves, and the seconds that the server asks to wait. */
const waits = new WeakMap<WeakKey, number>()

/** ERR_TORCH_DOWNLOAD that `withRetries` tries again after: the server is busy, the connection broke. */
export function transientFailure(
  reason: string,
  { retryAfterSeconds = 0, ...info }: { retryAfterSeconds?: number | undefined } & ErrorInfo = {},
): TorchError {
  const failure = torchError('ERR_TORCH_DOWNLOAD', reason, info)
  waits.set(failure, retryAfterSeconds)
  return failure
}

export const isTransient = (failure: unknown): failure is TorchError => waits.has(failure as WeakKey)

export interface RetryPolicy {
  /** How often to try again without any progress in between. */
  retries: number
  /** Seconds before the first retry; doubled each time, at most 30. */
  delaySeconds: number
}

interface Retrying extends RetryPolicy {
  /** What is tried, for the message: 'https://host/file'. */
  subject: string
  /** Grows when there is progress, such as received bytes: the count of retries then begins anew. */
  progress?: () => number
  onRetry?: ((reason: string, seconds: number) => void) | undefined
  signal?: AbortSignal | undefined
}

const longestDelaySeconds = 30
const longestRetryAfterSeconds = 120

/** Half of the delay is random, so that many clients of one broken server do not come back in step. */
function delayBefore(retry: number, { delaySeconds }: RetryPolicy, failure: TorchError): number {
  const delay = Math.min(delaySeconds * 2 ** retry, longestDelaySeconds) * (0.5 + Math.random() / 2)
  return Math.max(delay, Math.min(waits.get(failure) ?? 0, longestRetryAfterSeconds))
}

/** Runs `work` until it succeeds or fails with anything but a transient failure. ERR_TORCH_DOWNLOAD after the last retry. */
export async function withRetries<T>(options: Retrying, work: () => Promise<T>): Promise<T> {
  const { retries, subject, progress, onRetry, signal } = options
  let retry = 0
  let before = progress?.() ?? 0
  for (;;) {
    signal?.throwIfAborted()
    try {
      return await work()
    } catch (failure) {
      signal?.throwIfAborted()
      if (!isTransient(failure)) throw failure
      const now = progress?.() ?? 0
      if (now > before) retry = 0
      before = now
      if (retry === retries) {
        const message = `Expected an answer from ${subject} but after ${retries + 1} attempts ${failure.message}`
        throw torchError('ERR_TORCH_DOWNLOAD', message, { cause: failure, details: failure.details })
      }
      const seconds = delayBefore(retry++, options, failure)
      onRetry?.(failure.message, seconds)
      await sleep(seconds * 1000, undefined, { signal }).catch(() => signal?.throwIfAborted())
    }
  }
}
