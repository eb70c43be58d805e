// The Python originals, each measured in a process of its own on this run's files.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measureInChild } from '../child.mjs'

async function measure({ root, oraclePython }, script, options) {
  const file = join(import.meta.dirname, 'peers', script)
  // Idle OpenMP threads would spin, which a CPU clock counts.
  const child = { cwd: root, env: { OMP_WAIT_POLICY: 'PASSIVE' }, timeoutSeconds: 300 }
  return (await measureInChild(oraclePython, ['-B', file, JSON.stringify(options)], child)).result
}

/**
 * timm's transform, bytes to tensor: {[file]: {milliseconds, shape, sha256}}; CPU time per run on one thread, the hash of
 * float32 [3, H, W] little-endian.
 */
export function measureTransform(context, { files, model = 'resnet18', seconds }) {
  return measure(context, 'transform.py', { files, model, seconds })
}

/**
 * Pillow's bicubic resize of a decoded image: {resizeAndCrop, squash}, each {milliseconds, sha256}; CPU time per run, the
 * hash of uint8 [size, size, 3].
 */
export function measureResample(context, { file, size = 224, seconds }) {
  return measure(context, 'resample.py', { file, size, seconds })
}

/** timm's ResNet18 behind a DataLoader: {imagesPerSecond, seconds, logits}, float32 [files, 1000]. */
export async function measureClassify(context, { files, archive, batch = 8, workers = 2, threads = 2 }) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-classify-'))
  try {
    const logits = join(folder, 'logits.f32')
    const figures = await measure(context, 'classify.py', { files, archive, batch, workers, threads, logits })
    return { ...figures, logits: new Float32Array(new Uint8Array(readFileSync(logits)).buffer) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
