/** Names of files may hold what moves the cursor of a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    const code = character.charCodeAt(0).toString(16)
    return `\\x${code.padStart(2, '0')}`
  })
}
