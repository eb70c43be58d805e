import { native } from './native.js'

/** The devices of this process: 'cpu' first, then 'cuda:0', 'cuda:1', ... */
export function devices(): string[] {
  return native().devices()
}

/** Live handles by kind, and the bytes of the storages that they hold, each storage once, by device. */
export interface Memory {
  tensors: number
  modules: number
  generators: number
  bytes: Record<string, number>
}

/** What this process's handles hold at the moment; a leak is a number that grows. */
export function memory(): Memory {
  return native().memory()
}

/** Calls waiting or running, by executor: 'cpu:0' is lane 0 of the CPU, 'io' the thread of files, 'host' of host work. */
export function queueDepths(): Record<string, number> {
  return native().queueDepths()
}
