import { invalidArgument } from '../core/errors.js'
import { nearestName } from '../core/nearest-name.js'

/** A name of a layer or parameter, in which * stands for any text and ? for any character, or an expression. */
export type NamePattern = string | RegExp

export const isNamePattern = (pattern: unknown): pattern is NamePattern =>
  (typeof pattern === 'string' && pattern !== '') || pattern instanceof RegExp

/** Stops at the first element that is none: an array may have 4 billion holes. A list that cannot be read is none. */
export function isNamePatterns(patterns: unknown): patterns is NamePattern[] {
  try {
    return Array.isArray(patterns) && patterns.findIndex((pattern) => !isNamePattern(pattern)) < 0
  } catch {
    return false // a proxy or a getter that throws
  }
}

/** A text matches a name that it is, and all names below it: 'layer1' matches 'layer1.0.conv1.weight'. */
function matcher(pattern: NamePattern): (name: string) => boolean {
  if (pattern instanceof RegExp) return (name) => name.search(pattern) >= 0 // test() would remember where it was
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  const expression = new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}(\\.|$)`)
  return (name) => expression.test(name)
}

/** 'layer1', 'layer1.0', ... of 'layer1.0.conv1'. */
const withPrefixes = (name: string) => name.split('.').map((_, i, parts) => parts.slice(0, i + 1).join('.'))

/** The names that one of the patterns matches. Throws ERR_TORCH_INVALID_ARGUMENT where one matches none. */
export function matchingNames(names: readonly string[], patterns: readonly NamePattern[], operation: string): string[] {
  const matching = new Set<string>()
  for (const pattern of patterns) {
    const found = names.filter(matcher(pattern))
    if (found.length === 0) {
      const nearest =
        typeof pattern === 'string' ? nearestName(pattern, [...new Set(names.flatMap(withPrefixes))]) : undefined
      const expected = `a pattern that matches names of the model${nearest === undefined ? '' : `, such as '${nearest}',`}`
      throw invalidArgument('names', expected, pattern, { operation })
    }
    for (const name of found) matching.add(name)
  }
  return names.filter((name) => matching.has(name))
}
