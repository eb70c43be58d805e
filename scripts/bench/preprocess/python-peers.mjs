// The Python originals, each measured in a process of its own on this run's files.
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

/**
 * timm's ResNet18 behind a DataLoader: {imagesPerSecond, seconds}; on two cores. The file `rows` gets float32 [files, 1000]
 * logits for the verb classify, [files, 512] vectors of length 1 for embed.
 */
export function measureStream(context, options) {
  return measure(context, onTwoCores(...command(context, 'stream.py', options)))
}
