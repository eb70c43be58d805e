// The Python originals, each measured in a process of its own on this run's files.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measureInChild } from '../child.mjs'
import { onTwoCores } from './two-cores.mjs'

// Idle OpenMP threads would spin, which a CPU clock counts and which takes the workers' cores.
const passive = { OMP_WAIT_POLICY: 'PASSIVE' }

function command({ oraclePython }, script, options) {
  return [oraclePython, ['-B', join(import.meta.dirname, 'peers', script), JSON.stringify(options)]]
}

async function measure({ root }, [program, args]) {
  return (await measureInChild(program, args, { cwd: root, env: passive, timeoutSeconds: 300 })).result
}

/**
 * timm's transform, bytes to tensor: {[file]: {milliseconds, shape, sha256}}; CPU time per run on one thread, the hash of
 * float32 [3, H, W] little-endian.
 */
export function measureTransform(context, { files, model = 'resnet18', seconds }) {
  return measure(context, command(context, 'transform.py', { files, model, seconds }))
}

/**
 * Pillow's bicubic resize of a decoded image: {resizeAndCrop, squash}, each {milliseconds, sha256}; CPU time per run, the
 * hash of uint8 [size, size, 3].
 */
export function measureResample(context, { file, size = 224, seconds }) {
  return measure(context, command(context, 'resample.py', { file, size, seconds }))
}

/** timm's ResNet18 behind a DataLoader: {imagesPerSecond, seconds, logits}, float32 [files, 1000]; on two cores. */
export async function measureClassify(context, { files, archive, batch, workers, threads }) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-classify-'))
  try {
    const logits = join(folder, 'logits.f32')
    const options = { files, archive, batch, workers, threads, logits }
    const figures = await measure(context, onTwoCores(...command(context, 'classify.py', options)))
    return { ...figures, logits: new Float32Array(new Uint8Array(readFileSync(logits)).buffer) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
