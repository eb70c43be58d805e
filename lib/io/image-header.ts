export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'tiff' | 'gif'

/** Told apart for the message that refuses it. */
type OtherFormat = 'bigtiff'

/** '?' stands for any byte. */
const signatures: readonly [ImageFormat | OtherFormat, string][] = [
  ['jpeg', '\xff\xd8\xff'],
  ['png', '\x89PNG\r\n\x1a\n'],
  ['webp', 'RIFF????WEBP'],
  ['tiff', 'II*\0'],
  ['tiff', 'MM\0*'],
  ['bigtiff', 'II+\0'],
  ['bigtiff', 'MM\0+'],
  ['gif', 'GIF87a'],
  ['gif', 'GIF89a'],
]

const begins = (bytes: Uint8Array, signature: string) =>
  Array.from(signature).every((char, i) => char === '?' || char.charCodeAt(0) === bytes[i])

/** By the first bytes, never by a name. */
export function imageFormat(bytes: Uint8Array): ImageFormat | OtherFormat | undefined {
  return signatures.find(([, signature]) => begins(bytes, signature))?.[0]
}

/** Frame headers; C4, C8 and CC, between them, are something else. */
const isFrameHeader = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)

/** Samples per pixel: 1 grey, 3 colour, 4 CMYK; 0 where no frame header is found. */
export function jpegComponents(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 2; at + 9 < bytes.length; ) {
    const marker = view.getUint8(at + 1)
    if (view.getUint8(at) !== 0xff || marker === 0xff)
      at += 1 // padding
    else if (isFrameHeader(marker)) return view.getUint8(at + 9)
    else at += 2 + view.getUint16(at + 2)
  }
  return 0
}

/** 16 bits per sample and neither colour nor alpha. */
export function isGrey16Png(bytes: Uint8Array): boolean {
  return bytes[24] === 16 && bytes[25] === 0
}
