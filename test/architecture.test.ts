// The room table of ARCHITECTURE.md, read from the sources themselves.
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { type SourceFile, sourceFiles } from './support/source-files.js'

/** Which rooms and packages each room of lib/ may import; '' is lib/ itself, which only re-exports. */
const rooms: Record<string, { rooms: string[]; packages: string[] }> = {
  '': { rooms: ['core', 'io', 'models', 'training', 'serving'], packages: [] },
  core: { rooms: [], packages: ['zod', 'node-gyp-build'] },
  io: {
    rooms: ['core'],
    packages: ['sharp', 'yaml', 'zod', '@huggingface/tokenizers', '@node-rs/crc32', 'yauzl', 'undici'],
  },
  models: { rooms: ['core', 'io'], packages: ['zod'] },
  training: { rooms: ['core', 'io', 'models'], packages: ['zod'] },
  serving: { rooms: ['core', 'io', 'models'], packages: ['zod'] },
  cli: { rooms: ['core', 'io', 'models', 'training', 'serving', ''], packages: ['commander', 'cli-progress'] },
}

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

function isAllowed(
  file: SourceFile,
  room: string,
  allowed: { rooms: string[]; packages: string[] },
  specifier: string,
  typeOnly: boolean,
): boolean {
  if (specifier.startsWith('node:')) return true
  if (!specifier.startsWith('.')) return allowed.packages.some((name) => specifier === name)
  const target = resolved(file, specifier)
  if (target === 'binding.ts') return room === 'core' && typeOnly
  return target.startsWith('lib/') && [room, ...allowed.rooms].includes(roomOf(target))
}

test('lib/ has no import cycles', () => {
  // Imports of types alone are left out: they do not exist at run time.
  const graph = new Map(
    library.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ specifier, typeOnly }) => specifier.startsWith('.') && !typeOnly)
        .map(({ specifier }) => resolved(file, specifier)),
    ]),
  )
  const finished = new Set<string>()
  const visit = (path: string, trail: string[]): string[] => {
    if (trail.includes(path)) return [[...trail.slice(trail.indexOf(path)), path].join(' -> ')]
    if (finished.has(path)) return []
    const cycles = (graph.get(path) ?? []).flatMap((next) => visit(next, [...trail, path]))
    finished.add(path)
    return cycles
  }
  expect([...graph.keys()].flatMap((path) => visit(path, []))).toEqual([])
})

test.each([
  ['prints, reads arguments or ends the process', ['cli'], /\bconsole\.|\bprocess\.(stdout|stderr|argv|exit)\b/],
  ['reads the environment', ['cli', 'core'], /\bprocess\.env\b/],
  ['loads native code', ['core'], /\bnode-gyp-build\b|\bprocess\.dlopen\b|\.node['"`]/],
])('only the room for it %s', (_, allowed, pattern) => {
  const offenders = library.filter(
    ({ path, text }) => pattern.test(withoutComments(text)) && !allowed.includes(roomOf(path)),
  )
  expect(offenders.map(({ path }) => path)).toEqual([])
  expect(library.some(({ text }) => pattern.test(withoutComments(text)))).toBe(true)
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
