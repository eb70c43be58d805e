import { torchError } from '../core/errors.js'

let sharp: typeof import('sharp').default | undefined
const fix = 'npm install --include=optional sharp'

/** sharp, whose binary is an optional package of its own. Rejects with ERR_TORCH_DEPENDENCY where it does not load. */
export async function loadSharp() {
  try {
    sharp ??= (await import('sharp')).default // once: each import of a loaded package is a job of the module loader
    return sharp
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0]
    const message = `Expected the package sharp to decode images but it does not load: ${reason}\nFix: ${fix}`
    throw torchError('ERR_TORCH_DEPENDENCY', message, { details: { package: 'sharp', fix }, cause })
  }
}
