/** Levenshtein distance: the least number of inserted, deleted or replaced characters between two names. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}

/** The name that was probably meant, ignoring case and word separators; undefined where none is near. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const plain = (text: string) => text.slice(0, 64).toLowerCase().replace(/[-_]/g, '')
  const wanted = plain(name)
  let nearest: string | undefined
  // A third of the characters may differ; of very short names at least one must be right.
  let limit = Math.min(Math.max(1, Math.floor(wanted.length / 3)), wanted.length - 1)
  for (const candidate of names) {
    const distance = editDistance(wanted, plain(candidate))
    if (distance > limit) continue
    nearest = candidate
    limit = distance - 1
  }
  return nearest
}
