// Bad input at every public function and every native entry: a typed error, never an abort, never a hang. The tables and
// the values stand in test/support/hostile; each table runs in a process of its own, where an abort is seen as one.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { beforeAll, describe, expect, test } from 'vitest'
import * as library from '../../lib/index.js'
import { ops, TorchError } from '../../lib/index.js'
import * as io from '../../lib/io/index.js'
import * as install from '../../lib/io/libtorch-install.js'
import * as models from '../../lib/models/index.js'
import { runNode } from '../support/child-script.js'
import { repositoryRoot } from '../support/source-files.js'

interface RowResult {
  calls: number
  failures: string[]
}
type Results = Record<string, RowResult>
type Table = 'public' | 'io' | 'install' | 'models' | 'native'

const runner = join(repositoryRoot, 'test', 'support', 'hostile', 'run.mjs')

/** In a folder of its own, because a bad path may be a good name for a file. */
async function runTable(table: Table, ...further: string[]): Promise<Results> {
  const folder = mkdtempSync(join(tmpdir(), 'node-libtorch-test-'))
  const { code, signal, stdout, stderr } = await runNode([runner, table, ...further], {
    cwd: folder,
    env: { HF_HUB_OFFLINE: '1', HF_HOME: folder },
    timeoutMilliseconds: 120_000,
  })
  rmSync(folder, { recursive: true })
  const last = stdout.trimEnd().split('\n').at(-1) ?? ''
  const problems = stderr.split('\n').filter((line) => line !== '' && !line.includes('Warning:'))
  expect({ code, signal }, `${last}\n${problems.slice(0, 20).join('\n')}`).toEqual({ code: 0, signal: null })
  return JSON.parse(last)
}

/** Statics and members of a class as the tables name them. */
function memberNames(className: string, publicClass: { prototype: object }): string[] {
  const builtIn = [...Object.getOwnPropertyNames(class {}), 'brand']
  const statics = Object.getOwnPropertyNames(publicClass).filter((name) => !builtIn.includes(name))
  const members = Reflect.ownKeys(publicClass.prototype).filter((key) => key !== 'constructor')
  const called = members.filter((key) => {
    const { value, get } = Object.getOwnPropertyDescriptor(publicClass.prototype, key) ?? {}
    return typeof value === 'function' || get !== undefined
  })
  return [
    `new ${className}`,
    ...statics.map((name) => `${className}.${name}`),
    ...called.map((key) => `${className}#${String(key)}`),
  ]
}

const isClass = (value: unknown): value is { prototype: object } =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value))

/** Functions of an object of functions, and those that they carry: hub.file, hub.file.steps. */
function functionNames(name: string, value: unknown): string[] {
  if (typeof value === 'string') return []
  const members = Object.entries(value ?? {})
  const own = typeof value === 'function' ? [name] : []
  return [...own, ...members.flatMap(([member, inner]) => functionNames(`${name}.${member}`, inner))]
}

/** Every callable thing that a module of lib/ exports. */
function publicNames(library: object): string[] {
  return Object.entries(library).flatMap(([name, value]) => {
    // Errors are made by the library; callers only ask `instanceof`.
    if (value === TorchError || Object.getPrototypeOf(value) === TorchError) return [name]
    if (isClass(value)) return memberNames(name, value)
    return functionNames(name, value)
  })
}

/** Every entry that binding.d.ts declares, and those of them that give a ticket. */
function nativeEntries(): { names: string[]; pending: string[] } {
  const text = readFileSync(join(repositoryRoot, 'binding.d.ts'), 'utf8')
  const source = ts.createSourceFile('binding.d.ts', text, ts.ScriptTarget.Latest)
  const names: string[] = []
  const pending: string[] = []
  const add = (name: string, declaration: ts.Node) => {
    names.push(name)
    const { type } = declaration as ts.FunctionDeclaration
    if (type?.getText(source).startsWith('Pending<')) pending.push(name)
  }
  for (const statement of source.statements) {
    if (ts.isFunctionDeclaration(statement)) add(statement.name?.text ?? '', statement)
    if (ts.isInterfaceDeclaration(statement) && statement.name.text === 'NativeBoot')
      names.push(...statement.members.map(({ name }) => `NativeBoot#${(name as ts.Identifier).text}`))
    if (!ts.isClassDeclaration(statement)) continue
    const className = statement.name?.text ?? ''
    names.push(`new ${className}`, `${className}()`)
    for (const member of statement.members) {
      if (ts.isConstructorDeclaration(member)) continue
      const isStatic = (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Static) !== 0
      add(`${className}${isStatic ? '.' : '#'}${(member.name as ts.Identifier).text}`, member)
    }
  }
  return { names, pending }
}

/** The results are there when the tests run. */
function describeTable(table: Table, names: string[], ...further: string[]): () => Results {
  let results: Results

  beforeAll(async () => {
    results = await runTable(table, ...further)
  }, 120_000)

  test(`the table of test/support/hostile/${table}-table.mjs has a row for every name, and no other`, () => {
    const further = Object.keys(results).filter((name) => !names.includes(name) && !name.includes(' with '))
    expect({ missing: names.filter((name) => !Object.hasOwn(results, name)), further }).toEqual({
      missing: [],
      further: [],
    })
  })

  test('tens of hostile values are tried for every argument', () => {
    const calls = Object.values(results).reduce((sum, row) => sum + row.calls, 0)
    expect(calls).toBeGreaterThan(50 * names.length)
  })

  test.each(names.filter((name) => !name.startsWith('ops.')))('%s', (name) => {
    expect(results[name]?.failures).toEqual([])
  })

  return () => results
}

describe('public', () => {
  const results = describeTable('public', publicNames(library))

  test('the operators', () => {
    expect(Object.keys(ops).flatMap((name) => results()[`ops.${name}`]?.failures ?? [`${name} has no row`])).toEqual([])
  })
})

describe('io', () => {
  describeTable('io', publicNames(io))
})

describe('install', () => {
  describeTable('install', publicNames(install))
})

describe('models', () => {
  describeTable('models', publicNames(models))
})

describe('native', () => {
  const { names, pending } = nativeEntries()
  const results = describeTable('native', names, JSON.stringify(pending))

  test('values by the types of TorchScript, and parts of larger arguments', () => {
    const parts = Object.entries(results()).filter(([name]) => name.includes(' with '))
    expect(parts.length).toBeGreaterThan(10)
    expect(parts.flatMap(([name, { failures }]) => failures.map((failure) => `${name}: ${failure}`))).toEqual([])
  })
})
