import { TorchError } from '../../lib/core/errors.js'

/** The TorchError that a promise rejects with; throws for a value and for any other error. */
export async function failure(promise: Promise<unknown>): Promise<TorchError> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  )
  if (!(error instanceof TorchError)) throw new Error('Expected a TorchError', { cause: error })
  return error
}
