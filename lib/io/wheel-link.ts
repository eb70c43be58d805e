import type { WheelName } from './wheel-name.js'

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
