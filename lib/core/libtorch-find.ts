import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { addonMinors } from './addon-files.js'
import { cudaMajorOfFolder } from './cuda-version.js'
import { type TorchError, torchError } from './errors.js'
import { type LibtorchFolder, readLibtorchFolder, systemErrorCode } from './libtorch-folder.js'

/** The rule that named the folder. */
export type LibtorchSource = 'option' | 'NODE_LIBTORCH_PATH' | 'cache' | 'python'

export interface FoundLibtorch extends LibtorchFolder {
  source: LibtorchSource
}

interface Refusal {
  source: LibtorchSource
  place: string
  reason: string
  otherMinor: boolean
}

const sourceNames: Record<LibtorchSource, string> = {
  option: 'option path',
  NODE_LIBTORCH_PATH: 'NODE_LIBTORCH_PATH',
  cache: 'cache',
  python: 'Python',
}

/** `<user cache>/node-libtorch`; holds one folder `<version>-<variant>` per libtorch. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'node-libtorch')
}

/** The folders of the cache, best first; where it cannot be read, or is empty, the reason. */
function cachedFolders(driver: () => number | undefined): string[] | string {
  let names: string[]
  try {
    names = readdirSync(cacheFolder())
  } catch (error) {
    const code = systemErrorCode(error)
    return code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
  }
  names = names.filter((name) => /^\d+\.\d+\.\d+-(cpu|cu\d*)$/.test(name))
  names.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
  const cudaMajor = (name: string) => (name.endsWith('-cpu') ? 0 : (cudaMajorOfFolder(name) ?? 1))
  if (new Set(names.map(cudaMajor)).size > 1) {
    const runs = Math.floor((driver() ?? 0) / 1000)
    // What the driver runs, CPU builds, and last what it is too old for.
    const rank = (major: number) => (major === 0 ? 1 : major <= runs ? 2 : 0)
    names.sort((a, b) => rank(cudaMajor(b)) - rank(cudaMajor(a)))
  }
  return names.length === 0 ? 'holds no libtorch' : names.map((name) => join(cacheFolder(), name))
}

// The current folder, which `-c` puts on the path, may hold a `torch` that nobody installed.
const pythonScript = `
import sys
sys.path[:] = [p for p in sys.path if p]
import importlib.util
spec = importlib.util.find_spec("torch")
print(list(spec.submodule_search_locations)[0] if spec and spec.submodule_search_locations else "", end="")
`

let askedPython: { folder: string } | { reason: string } | undefined

/** Asks the python3 on PATH, once per process, where its torch is; torch itself is not imported. */
function pythonTorch(): { folder: string } | { reason: string } {
  if (askedPython === undefined) {
    const { status, stdout, error } = spawnSync('python3', ['-c', pythonScript], { encoding: 'utf8', timeout: 10_000 })
    if (error !== undefined || status !== 0) {
      askedPython = { reason: `did not answer (${error?.message ?? `exit status ${status}`})` }
    } else {
      askedPython = stdout === '' ? { reason: 'has no torch package' } : { folder: stdout }
    }
  }
  return askedPython
}

/** What mends it: an order that cannot be followed is the caller's to change, whatever else is installed. */
function fixOf(refusals: readonly Refusal[]): string {
  const minor = addonMinors()[0]
  if (minor === undefined) return 'this package has no addon for any libtorch: build it with `npm run build`'
  const pip = `\`pip install "torch==${minor}.*"\``
  const folder = 'a site-packages, torch or lib folder that holds such a libtorch'
  const [first] = refusals
  if (first?.source === 'option' || first?.source === 'NODE_LIBTORCH_PATH') {
    const change =
      first.source === 'option' ? 'correct the option path, or leave it out' : `correct or unset ${first.source}`
    return `${change}: it comes before any other, and names ${folder}${first.otherMinor ? ` (${pip})` : ''}`
  }
  return `run \`npx node-libtorch install\` or ${pip}, or set NODE_LIBTORCH_PATH to ${folder}`
}

function notFound(refusals: Refusal[]): TorchError {
  const known = addonMinors().join(', ') || 'none'
  const list = refusals.map(({ source, place, reason }) => `  - ${sourceNames[source]}: ${place} ${reason}`).join('\n')
  const fix = fixOf(refusals)
  const message = `Expected a libtorch ${known} but found none that fits:\n${list}\nFix: ${fix}`
  const code = refusals.some(({ otherMinor }) => otherMinor)
    ? 'ERR_TORCH_LIBTORCH_MISMATCH'
    : 'ERR_TORCH_LIBTORCH_NOT_FOUND'
  return torchError(code, message, { details: { refusals, fix } })
}

/**
 * The first usable libtorch of: `path`, NODE_LIBTORCH_PATH, the package's cache, the torch of the python3 on PATH.
 * The first two are orders: where they name something unusable, nothing else is tried. Opens nothing.
 * `driver` says which CUDA the driver is for, such as 13000 for 13.0; it is asked only where the cache leaves a choice.
 * Throws ERR_TORCH_LIBTORCH_NOT_FOUND, or ERR_TORCH_LIBTORCH_MISMATCH where one has another minor version.
 */
export function findLibtorch(path: string | undefined, driver: () => number | undefined): FoundLibtorch {
  const minors = addonMinors()
  const refusals: Refusal[] = []
  const accept = (source: LibtorchSource, place: string): FoundLibtorch | undefined => {
    const folder = readLibtorchFolder(place)
    if (typeof folder === 'string') {
      refusals.push({ source, place, reason: folder, otherMinor: false })
      return undefined
    }
    if (minors.includes(folder.minor)) return { ...folder, source }
    const known = minors.length === 0 ? 'no addon at all' : `addons for ${minors.join(', ')} only`
    const reason = `is libtorch ${folder.version}, and this package has ${known}`
    refusals.push({ source, place, reason, otherMinor: true })
    return undefined
  }

  const ordered: [LibtorchSource, string | undefined][] = [
    ['option', path],
    ['NODE_LIBTORCH_PATH', process.env.NODE_LIBTORCH_PATH || undefined],
  ]
  for (const [source, place] of ordered) {
    if (place === undefined) continue
    const found = accept(source, resolve(place))
    if (found === undefined) throw notFound(refusals)
    return found
  }
  const cached = cachedFolders(driver)
  if (typeof cached === 'string') {
    refusals.push({ source: 'cache', place: cacheFolder(), reason: cached, otherMinor: false })
  } else {
    for (const place of cached) {
      const found = accept('cache', place)
      if (found !== undefined) return found
    }
  }
  const answer = pythonTorch()
  if ('reason' in answer) {
    refusals.push({ source: 'python', place: 'python3', reason: answer.reason, otherMinor: false })
  } else {
    const found = accept('python', answer.folder)
    if (found !== undefined) return found
  }
  throw notFound(refusals)
}
