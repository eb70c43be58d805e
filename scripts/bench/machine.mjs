// What the figures were measured on.
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'

const vectorSets = [
  'avx2',
  'avx512f',
  'avx512_vnni',
  'avx_vnni',
  'avx512_bf16',
  'avx512_fp16',
  'amx_tile',
  'asimd',
  'sve',
]

/** The instruction sets that decide about speed, as the kernel names them. */
function instructionSets() {
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? ''
  const present = new Set(flags.trim().split(/\s+/))
  return vectorSets.filter((name) => present.has(name)).join(' ')
}

/** `cores`: those that this process may use. */
export function describeMachine() {
  return { cpu: cpus()[0]?.model.trim() ?? 'unknown', isa: instructionSets(), cores: availableParallelism() }
}
