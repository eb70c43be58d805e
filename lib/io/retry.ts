import { setTimeout as sleep } from 'node:timers/promises'
import { torchError } from '../core/errors.js'

/** A failure that may pass by itself: the server is busy, the connection broke. */
export class TransientFailure extends Error {
  /** How long the server asks to wait. */
  readonly retryAfterSeconds: number | undefined

  constructor(reason: string, info: { retryAfterSeconds?: number | undefined; cause?: unknown } = {}) {
    super(reason, { cause: info.cause })
    this.retryAfterSeconds = info.retryAfterSeconds
  }
}

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
function delayBefore(retry: number, { delaySeconds }: RetryPolicy, { retryAfterSeconds }: TransientFailure): number {
  const delay = Math.min(delaySeconds * 2 ** retry, longestDelaySeconds) * (0.5 + Math.random() / 2)
  return Math.max(delay, Math.min(retryAfterSeconds ?? 0, longestRetryAfterSeconds))
}

/** Runs `work` until it succeeds or fails with anything but a TransientFailure. ERR_TORCH_DOWNLOAD after the last retry. */
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
      if (!(failure instanceof TransientFailure)) throw failure
      const now = progress?.() ?? 0
      if (now > before) retry = 0
      before = now
      if (retry === retries) {
        const message = `Expected an answer from ${subject} but after ${retries + 1} attempts ${failure.message}`
        throw torchError('ERR_TORCH_DOWNLOAD', message, { cause: failure })
      }
      const seconds = delayBefore(retry++, options, failure)
      onRetry?.(failure.message, seconds)
      await sleep(seconds * 1000, undefined, { signal }).catch(() => signal?.throwIfAborted())
    }
  }
}
