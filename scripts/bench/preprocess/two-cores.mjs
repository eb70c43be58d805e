// Rows that say how fast two cores are run on two, whatever the machine has.
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { CannotRunHere } from '../child.mjs'

/** '0-2,5' -> [0, 1, 2, 5] */
export function parseCpuList(text) {
  return text.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}

/** The command that runs `program` on two of the cores that this process may use: [program, args]. */
export function onTwoCores(program, args) {
  const cores = availableParallelism()
  if (cores < 2) throw new CannotRunHere('needs 2 cores')
  if (cores === 2) return [program, args]
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0-1'
  return ['taskset', ['--cpu-list', parseCpuList(allowed).slice(0, 2).join(','), program, ...args]]
}
