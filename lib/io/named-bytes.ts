const places = new WeakMap<Uint8Array, string>()

/** Says where bytes were read from: results and messages call them so. A path, or '-' for standard input. */
export function readFrom(place: string, bytes: Uint8Array): Uint8Array {
  places.set(bytes, place)
  return bytes
}

/** undefined for bytes that come from nowhere, and for whatever else is no bytes. */
export const placeOf = (image: unknown): string | undefined => places.get(image as Uint8Array)
