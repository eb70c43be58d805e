// Checks what must be on the machine before anything else can work, and names the fix.
import { mkdirSync, statfsSync, statSync } from 'node:fs'
import { command, SetupError } from './command.mjs'

export const python = process.env.PYTHON || 'python3'
/** CMake reads CXX itself. */
export const compiler = process.env.CXX || 'c++'

function versionAtLeast(text, major, minor) {
  const [, a, b] = /(\d+)\.(\d+)/.exec(text) ?? [undefined, 0, 0]
  return Number(a) > major || (Number(a) === major && Number(b) >= minor)
}

function nodeProblem() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if ((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22) return []
  return [`Node.js ^20.19 or >=22.12, not ${process.versions.node}: install a current Node.js`]
}

async function compilerProblem() {
  const [program, ...args] = compiler.split(' ')
  const source = ['-x', 'c++', '-std=c++20', '-include', 'concepts', '-fsyntax-only', '/dev/null']
  const { code } = await command(program, [...args, ...source], { quiet: true })
  return code === 0 ? [] : [`a C++20 compiler ('${compiler}' is none): install g++ 11 or newer, or set CXX`]
}

async function generatorProblem() {
  const found = await Promise.all(['ninja', 'make'].map((name) => command(name, ['--version'], { quiet: true })))
  return found.some(({ code }) => code === 0) ? [] : ['Ninja or GNU make: install ninja-build']
}

async function cmakeProblem() {
  const { code, output } = await command('cmake', ['--version'], { quiet: true })
  if (code === 0 && versionAtLeast(output, 3, 24)) return []
  return [`CMake 3.24 or newer: install it from your distribution, or with '${python} -m pip install cmake'`]
}

async function pythonProblem() {
  const script =
    'import sys, importlib.util as u; ' +
    'sys.exit(sys.version_info < (3, 10) or None in (u.find_spec("pip"), u.find_spec("venv")))'
  const { code } = await command(python, ['-c', script], { quiet: true })
  return code === 0 ? [] : [`Python 3.10 or newer with pip and venv ('${python}' is not): install them, or set PYTHON`]
}

/** Steps whose folders lie on one file system need its space together. */
function diskProblems(disk) {
  const problems = []
  const fileSystems = new Map()
  for (const [folder, gigabytes, fix] of disk) {
    try {
      mkdirSync(folder, { recursive: true })
    } catch (error) {
      problems.push(`a folder ${folder} that can be made (${error.code}): ${fix}`)
      continue
    }
    const { dev } = statSync(folder)
    const { wanted = 0, fixes = new Map() } = fileSystems.get(dev) ?? {}
    fileSystems.set(dev, { wanted: wanted + gigabytes, fixes: fixes.set(folder, fix) })
  }
  for (const { wanted, fixes } of fileSystems.values()) {
    const folders = [...fixes.keys()]
    const { bavail, bsize } = statfsSync(folders[0])
    const free = (bavail * bsize) / 1e9
    const size = `${wanted.toFixed(1)} GB of free disk at ${folders.join(' and ')}, not ${free.toFixed(1)} GB`
    if (free < wanted) problems.push(`${size}: ${['free some', ...fixes.values()].join(', or ')}`)
  }
  return problems
}

/** `disk` is the list of [folder, gigabytes, what else helps] that steps still to be done will fill (disk-needs.mjs). */
export async function ensurePrerequisites({ disk }) {
  const checks = [nodeProblem(), compilerProblem(), cmakeProblem(), generatorProblem(), pythonProblem()]
  const problems = [...(await Promise.all(checks)).flat(), ...diskProblems(disk)]
  if (problems.length > 0) throw new SetupError(`This machine needs\n${problems.map((p) => `  - ${p}`).join('\n')}`)
}
