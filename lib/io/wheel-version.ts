/** A version of PEP 440, as far as wheels of torch and of its libraries use it. */
export interface WheelVersion {
  text: string
  epoch: number
  release: number[]
  /** 'a', 'b' or 'rc' and its number. */
  pre: [letter: string, number: number] | undefined
  post: number | undefined
  dev: number | undefined
  /** What stands after '+', such as 'cpu' or 'cu130'; '' without. */
  local: string
}

const pattern =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\d*))?(?:-(\d+)|[-_.]?(?:post|rev|r)[-_.]?(\d*))?(?:[-_.]?dev[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/i

const preLetters: Record<string, string> = { alpha: 'a', beta: 'b', c: 'rc', pre: 'rc', preview: 'rc' }

export function parseVersion(text: string): WheelVersion | undefined {
  const match = pattern.exec(text.trim())
  if (match === null) return undefined
  const [, epoch, release = '', letter, preNumber, shortPost, post, dev, local = ''] = match
  const pre = letter?.toLowerCase()
  return {
    text: text.trim(),
    epoch: Number(epoch ?? 0),
    release: release.split('.').map(Number),
    pre: pre === undefined ? undefined : [preLetters[pre] ?? pre, Number(preNumber)],
    post: shortPost === undefined && post === undefined ? undefined : Number(shortPost ?? post),
    dev: dev === undefined ? undefined : Number(dev),
    local: local.toLowerCase().replace(/[-_]/g, '.'),
  }
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** Orders the part after the release: dev < a < b < rc < final < post. */
function stage({ pre, post, dev }: WheelVersion): number[] {
  const last = Number.MAX_SAFE_INTEGER
  const kind = pre === undefined ? (dev !== undefined && post === undefined ? -1 : 3) : ['a', 'b', 'rc'].indexOf(pre[0])
  return [kind, pre?.[1] ?? 0, post ?? -1, dev ?? last]
}

/** Negative where `a` is older. Local parts count only where all else is equal, digits as numbers. */
export function compareVersions(a: WheelVersion, b: WheelVersion): number {
  return (
    a.epoch - b.epoch ||
    compareLists(a.release, b.release) ||
    compareLists(stage(a), stage(b)) ||
    a.local.localeCompare(b.local, 'en', { numeric: true })
  )
}

function startsWith(release: readonly number[], prefix: readonly number[]): boolean {
  return prefix.every((part, i) => (release[i] ?? 0) === part)
}

function satisfiesOne(version: WheelVersion, operator: string, operand: string): boolean {
  if (operator === '===') return version.text === operand
  const wildcard = operand.endsWith('.*')
  const wanted = parseVersion(wildcard ? operand.slice(0, -2) : operand)
  if (wanted === undefined) return false
  const inPrefix = startsWith(version.release, wanted.release)
  if (operator === '~=') {
    return compareVersions(version, wanted) >= 0 && startsWith(version.release, wanted.release.slice(0, -1))
  }
  const order = compareVersions(wanted.local === '' ? { ...version, local: '' } : version, wanted)
  const tests: Record<string, boolean> = {
    '==': wildcard ? inPrefix : order === 0,
    '!=': wildcard ? !inPrefix : order !== 0,
    '>=': order >= 0,
    '<=': order <= 0,
    '>': order > 0,
    '<': order < 0,
  }
  return tests[operator] ?? false
}

/** Whether a version is within a specifier such as '<14,>=13.0.88' or '==13.1.1.3.*'; '' takes every version. */
export function satisfies(version: WheelVersion, specifier: string): boolean {
  return specifier
    .split(',')
    .map((clause) => clause.trim())
    .filter((clause) => clause !== '')
    .every((clause) => {
      const [, operator = '', operand = ''] = /^(===|==|!=|~=|>=|<=|>|<)\s*(.+)$/.exec(clause) ?? []
      return satisfiesOne(version, operator, operand)
    })
}
