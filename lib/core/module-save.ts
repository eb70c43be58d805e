import type { NativeContext, NativeScriptModule } from '../../binding.js'
import { throwIfAborted } from './abort.js'
import { arrived } from './arrivals.js'
import { saveAtomically } from './atomic-file.js'
import { torchError } from './errors.js'
import type { saveOptions } from './module-options.js'
import type { OptionsOutput } from './options.js'

/** Rejects with ERR_TORCH_MODULE_SAVE, or the signal's reason. */
export async function saveModule(
  own: NativeScriptModule,
  path: string,
  { extraFiles, signal }: OptionsOutput<typeof saveOptions>,
  context: NativeContext | undefined,
): Promise<void> {
  const bytes = new Uint8Array(await arrived(own.save(extraFiles, context)))
  try {
    await saveAtomically(path, bytes, () => throwIfAborted(signal))
  } catch (cause) {
    throwIfAborted(signal)
    const message = `Expected a place to write for module.save but '${path}' is none: ${(cause as Error).message}`
    throw torchError('ERR_TORCH_MODULE_SAVE', message, { cause })
  }
}
