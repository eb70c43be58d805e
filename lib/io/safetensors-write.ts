import type { TorchAddon } from '../core/addon-files.js'
import { invalidArgument, nameOperation, readSafely } from '../core/errors.js'
import { requireFilePath } from '../core/file-path.js'
import { stateEntries } from '../core/module-inputs.js'
import { native } from '../core/native.js'
import { defineOptions, parseOptions, signalField } from '../core/options.js'
import { isPlainObject } from '../core/plain-object.js'
import { settle } from '../core/settle.js'
import { nativeTensor, type Tensor } from '../core/tensor.js'

const operation = 'writeSafetensors'

const writeOptions = defineOptions((z) => ({
  metadata: z.custom<Record<string, string>>(isPlainObject, 'an object of texts by name').optional(),
  signal: signalField(z),
}))

export interface WriteSafetensorsOptions {
  /** Text beside the tensors. Readers of PyTorch models look for {format: 'pt'}. */
  metadata?: Record<string, string> | undefined
  /** Until the file is being written. */
  signal?: AbortSignal | undefined
}

/** JavaScript strings may hold half of a surrogate pair, which no file can. */
function requireText(name: string, text: unknown): string {
  if (typeof text === 'string' && !/\p{Surrogate}/u.test(text)) return text
  throw invalidArgument(name, 'well-formed text', text, { operation })
}

/** Every key, '__proto__' too, which the parser of options would drop. Throws ERR_TORCH_INVALID_ARGUMENT. */
function metadataEntries(metadata: Record<string, string>): [string, string][] {
  const given = { name: 'metadata', expected: 'an object that can be read', actual: metadata, operation }
  return readSafely(given, () => Object.entries(metadata)).map(([key, text]) => [
    requireText('a key of metadata', key),
    requireText(`metadata.${key}`, text),
  ])
}

/** Throws ERR_TORCH_DISPOSED. */
function deviceOf(tensor: Tensor): string {
  try {
    return tensor.device
  } catch (error) {
    nameOperation(error, operation)
    throw error
  }
}

/** The same tensors on the CPU, once the calls made before have run; what the caller disposes meanwhile lives on here. */
async function onCpu(tensors: readonly Tensor[], signal: AbortSignal | undefined) {
  const natives = tensors.map(nativeTensor)
  const flow = (own: (typeof natives)[number]) => ({
    start: () => own.to('cpu', undefined),
    convert: (copy: typeof own) => copy,
    discard: (late: typeof own) => late.dispose(),
  })
  const copies = await Promise.allSettled(natives.map((own) => settle(operation, flow(own), signal)))
  const live = copies.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = copies.find((result) => result.status === 'rejected')
  if (failed === undefined) return live
  for (const copy of live) copy.dispose()
  throw failed.reason
}

/**
 * Writes tensors of any device to a file that safetensors.torch.save_file would write with the same bytes; of several
 * metadata keys, whose order is random there, the first is the least. What is not contiguous is stored as if it were. The
 * file is complete or not there: it gets its name when all is on disk. Do not change the tensors in place meanwhile.
 *
 * Rejects with ERR_TORCH_DTYPE (complex128), ERR_TORCH_SHAPE (a scalar of float4_e2m1fn_x2), ERR_TORCH_INVALID_ARGUMENT
 * (sparse or meta tensors, names that cannot be written), ERR_TORCH_DISPOSED, ERR_TORCH_DISK, or the signal's reason.
 */
export async function writeSafetensors(
  path: string | URL,
  tensors: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
  options?: WriteSafetensorsOptions,
): Promise<void> {
  const { metadata, signal } = parseOptions(writeOptions, options, operation)
  const target = requireFilePath(path, operation)
  const entries = stateEntries(tensors, operation)
  const names = entries.map(([name]) => requireText('the name of a tensor', name))
  const given = entries.map(([, tensor]) => tensor)
  for (const tensor of given) {
    if (deviceOf(tensor) === 'meta') throw invalidArgument('tensors', 'tensors with data', tensor, { operation })
  }
  const texts = metadata && metadataEntries(metadata)
  const keys = texts?.map(([key]) => key)
  const values = texts?.map(([, text]) => text)
  const copies = await onCpu(given, signal)
  const start = (context: Parameters<TorchAddon['writeSafetensors']>[5]) =>
    native().writeSafetensors(target, names, copies, keys, values, context)
  try {
    await settle(operation, { start, convert: () => undefined }, signal)
  } finally {
    for (const copy of copies) copy.dispose()
  }
}
