/** What a part of an address stands for; a stray '%' stands for itself, so that nothing throws. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
