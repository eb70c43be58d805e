const literal = (character: string) => `\\u{${character.codePointAt(0)?.toString(16)}}`

/** What stands between brackets: 'a-cx' or '!a-cx'. */
function setSource(characters: readonly string[]): string {
  const isNegated = characters[0] === '!'
  const members = isNegated ? characters.slice(1) : characters
  let source = ''
  for (let i = 0; i < members.length; i++) {
    const [first = '', dash, last] = members.slice(i, i + 3)
    const isRange = dash === '-' && last !== undefined
    if (!isRange) source += literal(first)
    else if (first <= last) source += `${literal(first)}-${literal(last)}`
    if (isRange) i += 2
  }
  return `[${isNegated ? '^' : ''}${source}]`
}

/** One pattern of Python's fnmatch as a regular expression: `*` and `?` match slashes too. */
function expression(pattern: string): RegExp {
  const characters = [...pattern.replaceAll('\\', '/').replace(/\/$/, '/*')]
  let source = ''
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] as string
    // A bracket that comes first is a member of the set.
    const end = character === '[' ? characters.indexOf(']', i + (characters[i + 1] === '!' ? 3 : 2)) : -1
    if (end > 0) {
      source += setSource(characters.slice(i + 1, end))
      i = end
    } else if (character === '*') source += '.*'
    else source += character === '?' ? '.' : literal(character)
  }
  return new RegExp(`^${source}$`, 'su')
}

type Patterns = string | readonly string[] | undefined

/** huggingface_hub.utils.filter_repo_objects: the names that one of `allow` and none of `ignore` matches. */
export function filteredNames(
  names: readonly string[],
  { allow, ignore }: { allow?: Patterns; ignore?: Patterns },
): string[] {
  const expressions = (patterns: string | readonly string[]) => [patterns].flat().map(expression)
  const allowed = allow === undefined ? undefined : expressions(allow)
  const ignored = ignore === undefined ? [] : expressions(ignore)
  return names.filter((name) => {
    const matches = (pattern: RegExp) => pattern.test(name)
    return (allowed === undefined || allowed.some(matches)) && !ignored.some(matches)
  })
}
