import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './libtorch-folders.js'

/** The path of a file with these bytes. */
export function fileOf(bytes: string | Uint8Array, name = 'a.safetensors'): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, bytes)
  return path
}

/** A file with this header, whatever it says. */
export function withHeader(header: string, buffer: Uint8Array = new Uint8Array()): string {
  const text = Buffer.from(header)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return fileOf(Buffer.concat([length, text, buffer]))
}

/** What a promise rejects with; undefined where it does not. */
export const failure = (promise: Promise<unknown>) => promise.then(() => undefined).catch((error: unknown) => error)
