// The room table of ARCHITECTURE.md and the sources are held against each other.
import { readFileSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryRoot, type SourceFile, sourceFiles } from './support/source-files.js'

interface Room {
  /** Rooms that it may import; '' is lib/ itself. */
  rooms: string[]
  packages: string[]
  /** Its files that may import node:fs; 'all'. */
  files: string[]
  /** What it may do and rooms without the word may not. */
  does: string[]
}

/** The table that begins with '| room |'. */
function roomTable(): Record<string, Room> {
  const lines = readFileSync(join(repositoryRoot, 'ARCHITECTURE.md'), 'utf8').split('\n')
  const first = lines.findIndex((line) => line.startsWith('| room |')) + 2
  const last = lines.findIndex((line, i) => i >= first && !line.startsWith('|'))
  const nameOf = (cell: string) => cell.replace(/^lib\/?/, '')
  const rows = lines.slice(first, last).map((line) => {
    const cells = line.replaceAll('`', '').split('|').slice(1, -1)
    const [[room = ''] = [], rooms = [], packages = [], files = [], does = []] = cells.map((cell) =>
      cell.trim() === '' ? [] : cell.split(',').map((part) => part.trim()),
    )
    return [nameOf(room), { rooms: rooms.map(nameOf), packages, files, does }] as const
  })
  return Object.fromEntries(rows)
}

const rooms = roomTable()

const forbiddenNames = ['utils', 'util', 'helpers', 'helper', 'common', 'misc', 'shared', 'lib']
const largestFile = 400
const largestTest = 600

interface Import {
  specifier: string
  typeOnly: boolean
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

function importsOf({ text }: SourceFile): Import[] {
  const program = withoutComments(text)
  const statements = program.matchAll(/^(?:import|export)\s(?:([^'"`;]*?)\sfrom\s*)?['"]([^'"]+)['"]/gm)
  const calls = program.matchAll(/\b(import|require|typeof import)\(\s*['"]([^'"]+)['"]\s*\)/g)
  return [
    ...[...statements].map(([, clause = '', specifier = '']) => ({ specifier, typeOnly: isTypeOnly(clause) })),
    ...[...calls].map(([, call, specifier = '']) => ({ specifier, typeOnly: call === 'typeof import' })),
  ]
}

/** `type X` or `{ type A, type B }`: erased by the compiler. */
function isTypeOnly(clause: string): boolean {
  if (/^type\s/.test(clause)) return true
  const names = /^\{([^}]*)\}$/.exec(clause.trim())?.[1]
  return names?.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type ')) ?? false
}

const library = sourceFiles('lib').filter(({ path }) => path.endsWith('.ts'))

function roomOf(path: string): string {
  const parts = path.split('/')
  return parts.length > 2 ? (parts[1] ?? '') : ''
}

/** The repository's path of a relative import: './x.js' in TypeScript means x.ts. */
function resolved(from: SourceFile, specifier: string): string {
  return normalize(join(dirname(from.path), specifier)).replace(/\.js$/, '.ts')
}

const isFileSystem = (specifier: string) => /^node:fs(\/promises)?$/.test(specifier)

test('the import reader sees every form of import', () => {
  const text = `
import { a } from './a.js'
import type { B } from './b.js'
import {
  type C,
  type D,
} from './c.js'
import { type E, f } from './e.js'
export * from './g.js'
import './h.js'
type Addon = typeof import('./i.js')
const j = await import('./j.js')
const k = require('k')
// import { no } from './no.js'
/** import { no } from './no.js' */
`
  expect(
    importsOf({ path: 'lib/core/x.ts', text }).map(({ specifier, typeOnly }) => `${specifier} ${typeOnly}`),
  ).toEqual([
    './a.js false',
    './b.js true',
    './c.js true',
    './e.js false',
    './g.js false',
    './h.js false',
    './i.js true',
    './j.js false',
    'k false',
  ])
})

test('every room of lib/ imports only what the room table allows', () => {
  const violations = library.flatMap((file) => {
    const room = roomOf(file.path)
    const allowed = rooms[room]
    if (allowed === undefined) return [`${file.path}: '${room}' is no room of the table`]
    return importsOf(file)
      .filter(({ specifier, typeOnly }) => !isAllowed(file, room, allowed, specifier, typeOnly))
      .map(({ specifier }) => `${file.path} imports ${specifier}`)
  })
  expect(library.length).toBeGreaterThan(10)
  expect(violations).toEqual([])
})

function isAllowed(file: SourceFile, room: string, allowed: Room, specifier: string, typeOnly: boolean): boolean {
  if (isFileSystem(specifier) && !typeOnly)
    return ['all', basename(file.path, '.ts')].some((name) => allowed.files.includes(name))
  if (specifier.startsWith('node:')) return true
  if (!specifier.startsWith('.')) return allowed.packages.includes(specifier)
  const target = resolved(file, specifier)
  if (target === 'binding.ts') return room === 'core' && typeOnly
  return target.startsWith('lib/') && [room, ...allowed.rooms].includes(roomOf(target))
}

test('the room table allows nothing that no file needs', () => {
  const unneeded = Object.entries(rooms).flatMap(([room, { rooms, packages, files }]) => {
    const inRoom = library.filter(({ path }) => roomOf(path) === room)
    const specifiers = inRoom.flatMap((file) => importsOf(file).map(({ specifier }) => ({ file, specifier })))
    const needed = specifiers.flatMap(({ file, specifier }) => {
      if (isFileSystem(specifier)) return ['all', basename(file.path, '.ts')]
      return specifier.startsWith('.') ? roomOf(resolved(file, specifier)) : specifier
    })
    return [...rooms, ...packages, ...files].filter((name) => !needed.includes(name)).map((name) => `${room}: ${name}`)
  })
  expect(unneeded).toEqual([])
})

type Graph = Map<string, string[]>

function cyclesOf(graph: Graph): string[] {
  const finished = new Set<string>()
  const visit = (path: string, trail: string[]): string[] => {
    if (trail.includes(path)) return [[...trail.slice(trail.indexOf(path)), path].join(' -> ')]
    if (finished.has(path)) return []
    const cycles = (graph.get(path) ?? []).flatMap((next) => visit(next, [...trail, path]))
    finished.add(path)
    return cycles
  }
  return [...graph.keys()].flatMap((path) => visit(path, []))
}

test('lib/ has no import cycles, nor of types alone', () => {
  const relative = (file: SourceFile) =>
    importsOf(file)
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier }) => resolved(file, specifier))
  expect(cyclesOf(new Map(library.map((file) => [file.path, relative(file)])))).toEqual([])
})

test('native/ has no include cycles', () => {
  const graph = new Map(
    sourceFiles('native').map((file) => [file.path, includesOf(file).map((name) => `native/${name}`)]),
  )
  const edges = [...graph.values()].flat().filter((path) => graph.has(path))
  expect(edges.length).toBeGreaterThan(50)
  expect(cyclesOf(graph)).toEqual([])
})

/** By the words of the table. */
const deeds: Record<string, RegExp> = {
  prints: /\bconsole\.|\bprocess\.(stdout|stderr|argv|exit)\b/,
  'reads the environment': /\bprocess\.env\b/,
  'loads the addons': /\bnode-gyp-build\b|\bprocess\.dlopen\b|\.node['"`]/,
  'declares errors': /\bextends\s+\w*Error\b/,
}

test.each(Object.entries(deeds))('%s: only rooms that the table says it of', (deed, pattern) => {
  const doers = library.filter(({ text }) => pattern.test(withoutComments(text)))
  const offenders = doers.filter(({ path }) => !rooms[roomOf(path)]?.does.includes(deed))
  expect(offenders.map(({ path }) => path)).toEqual([])
})

test('the table says of no room what it does not do', () => {
  const idle = Object.entries(rooms).flatMap(([room, { does }]) => {
    const texts = library.filter(({ path }) => roomOf(path) === room).map(({ text }) => withoutComments(text))
    return does.filter((deed) => !texts.some((text) => deeds[deed]?.test(text))).map((deed) => `${room} ${deed}`)
  })
  expect(idle).toEqual([])
})

test('lib/index.ts only re-exports', () => {
  const index = library.find(({ path }) => path === 'lib/index.ts')
  const statements = withoutComments(index?.text ?? 'missing').replace(/export\s[^'"]*from\s*['"][^'"]+['"]/g, '')
  expect(statements.trim()).toBe('')
})

function includesOf({ text }: SourceFile): string[] {
  return [...text.matchAll(/^\s*#\s*include\s+[<"]([^>"]+)[>"]/gm)].map(([, name = '']) => name)
}

test('the storeys of native/ include only what is theirs', () => {
  const isTorch = (name: string) => /^(torch|ATen|c10|caffe2)\//.test(name)
  const isNodeApi = (name: string) => /^(napi|node_api|js_native_api|uv|node)\b.*\.h$/.test(name)
  const forbidden: Record<string, (name: string) => boolean> = {
    boot: isTorch,
    engine: (name) => isNodeApi(name) || name.startsWith('bind/'),
    // Tensors and IValues pass through; what computes is the engine's.
    bind: (name) => isTorch(name) && !/^(ATen\/core|c10\/util)\//.test(name),
  }
  const files = sourceFiles('native')
  const violations = files.flatMap((file) => {
    const isForbidden = forbidden[file.path.split('/')[1] ?? '']
    if (isForbidden === undefined) return [`${file.path}: no storey of native/`]
    return includesOf(file)
      .filter(isForbidden)
      .map((name) => `${file.path} includes ${name}`)
  })
  expect(files.length).toBeGreaterThan(5)
  expect(violations).toEqual([])
})

const handWritten = sourceFiles('lib', 'native', 'scripts', 'test').filter(
  ({ path }) => /\.(ts|mjs|py|c|cc|h|cu)$/.test(path) && !path.includes('.generated.'),
)

test('no file is too long', () => {
  const lengths = handWritten.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
  const limit = (path: string) => (path.startsWith('test/') ? largestTest : largestFile)
  expect(lengths.filter(({ path, lines }) => lines > limit(path))).toEqual([])
})

test('names are kebab-case, or snake_case in C++ and Python, and say what is inside', () => {
  const bad = handWritten.filter(({ path }) => {
    const [name = '', ...suffixes] = (path.split('/').at(-1) ?? '').split('.')
    const isSnake = ['c', 'cc', 'h', 'cu', 'py'].includes(suffixes.at(-1) ?? '')
    const pattern = isSnake ? /^[a-z0-9]+(_[a-z0-9]+)*$|^__init__$/ : /^[a-z0-9]+(-[a-z0-9]+)*$/
    const folders = path.split('/').slice(1, -1)
    return !pattern.test(name) || [name, ...folders].some((part) => forbiddenNames.includes(part))
  })
  expect(bad.map(({ path }) => path)).toEqual([])
})
