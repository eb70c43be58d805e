import { basename } from 'node:path'
import { parseWheelName, type WheelName } from './wheel-name.js'

/** A wheel that an index or a folder has. */
export interface WheelLink {
  name: WheelName
  place: { path: string } | { url: string }
  /** As the index promises it. */
  sha256: string | undefined
  /** In bytes. */
  size: number | undefined
  /** Where the index serves the wheel's METADATA on its own (PEP 658). */
  metadata: { url: string; sha256: string | undefined } | undefined
  /** Withdrawn by its publisher: used only where exactly this version was asked for. */
  yanked: boolean
}

/** A wheel on disk. */
export interface LocalWheel {
  path: string
  name: WheelName
}

/** undefined for a file that is not named as a wheel is. */
export function localLink(path: string): WheelLink | undefined {
  const name = parseWheelName(basename(path))
  if (name === undefined) return undefined
  return { name, place: { path }, sha256: undefined, size: undefined, metadata: undefined, yanked: false }
}
