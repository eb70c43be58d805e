import type { SafetensorsHeader } from './safetensors-header.js'

/** What is in one file of tensors. */
export interface InspectedFile extends SafetensorsHeader {
  /** As the folder, index or repository names it. */
  name: string
  /** undefined: it is on the hub, and its tensors were not fetched. */
  path: string | undefined
  bytes: number
  /** In hexadecimal digits: computed from the file, or as the hub promises it where `path` is undefined. */
  sha256: string | undefined
  /** Whether the SHA-256 is the one that the hub promised; undefined where it promised none, or none was computed. */
  intact: boolean | undefined
}
