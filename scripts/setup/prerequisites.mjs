// Checks what must be on the machine before anything else can work, and names the fix.
import { mkdirSync, statfsSync } from 'node:fs'
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

function diskProblem(folder, gigabytes) {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    return [`a folder ${folder} that can be made (${error.code}): set XDG_CACHE_HOME to another place`]
  }
  const { bavail, bsize } = statfsSync(folder)
  const free = (bavail * bsize) / 1e9
  if (free >= gigabytes) return []
  return [`${gigabytes} GB of free disk at ${folder}, not ${free.toFixed(1)} GB: free some, or set XDG_CACHE_HOME`]
}

/** `disk` is the list of [folder, gigabytes] that steps still to be done will fill. */
export async function ensurePrerequisites({ disk }) {
  const checks = [nodeProblem(), compilerProblem(), cmakeProblem(), generatorProblem(), pythonProblem()]
  const problems = (await Promise.all(checks)).flat()
  for (const [folder, gigabytes] of disk) problems.push(...diskProblem(folder, gigabytes))
  if (problems.length > 0) throw new SetupError(`This machine needs\n${problems.map((p) => `  - ${p}`).join('\n')}`)
}
