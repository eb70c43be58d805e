// What an addon asks of the machine that loads it, read from its dynamic section.
import { commandOrFail, SetupError } from '../setup/command.mjs'

/** The oldest systems that libtorch's own wheels run on: RHEL 8, Debian 10, Ubuntu 18.10. */
const floor = { GLIBC: '2.28', GLIBCXX: '3.4.25' }

/** libtorch, which the boot addon has opened by then, and what every Linux with a C++ program has. */
const mayNeed = /^(libtorch_cpu|libc10|libstdc\+\+|libgcc_s|libm|libc|libdl|libpthread|ld-linux-[\w-]+)\.so(\.\d+)?$/

const isNewer = (version, other) => version.localeCompare(other, 'en', { numeric: true }) > 0

/** The newest version of each kind: {GLIBC: '2.34', GLIBCXX: '3.4.30'}. */
function newestVersions(text) {
  const newest = {}
  for (const [, kind, version] of text.matchAll(/\b(GLIBC|GLIBCXX)_([\d.]+)/g)) {
    if (newest[kind] === undefined || isNewer(version, newest[kind])) newest[kind] = version
  }
  return newest
}

/** What all addons together need, of what each of them needs. */
export function newestOf(each) {
  const pairs = each.flatMap((versions) => Object.entries(versions))
  return newestVersions(pairs.map(([kind, version]) => `${kind}_${version}`).join(' '))
}

/** Says where addons with these needs run, where that is not everywhere that libtorch does; undefined where it is. */
export function narrowerThanLibtorch(versions) {
  const names = { GLIBC: 'glibc', GLIBCXX: "libstdc++'s GLIBCXX" }
  const above = Object.entries(versions).filter(([kind, version]) => isNewer(version, floor[kind]))
  if (above.length === 0) return undefined
  const where = (list) => list.map(([kind, version]) => `${names[kind]} >= ${version}`).join(' and ')
  const libtorch = where(above.map(([kind]) => [kind, floor[kind]]))
  return `this package runs where ${where(above)}, libtorch itself where ${libtorch}: build in manylinux_2_28`
}

/**
 * Resolves to the versions that the addon asks for: {GLIBC: '2.34', GLIBCXX: '3.4.30'}. Fails where it asks for libraries that no other machine has, or for folders of this one.
 */
export async function requirementsOf(file) {
  const text = await commandOrFail('objdump', ['-p', file], 'binutils are needed: install them')
  const entries = [...text.matchAll(/^ {2}(NEEDED|RPATH|RUNPATH) +(.*)$/gm)]
  const foreign = entries.filter(([, kind, value]) => kind !== 'NEEDED' || !mayNeed.test(value))
  if (foreign.length > 0) {
    const list = foreign.map(([, kind, value]) => `${kind} ${value}`).join(', ')
    throw new SetupError(`Expected an addon for any machine in ${file} but it asks for ${list}`)
  }
  return newestVersions(text)
}
