// binding.d.ts is the native contract: it and the addons' real surface are held against each other in both directions.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { boot, native } from '../../lib/core/native.js'
import { repositoryRoot } from '../support/source-files.js'

interface ClassSurface {
  statics: string[]
  methods: string[]
  getters: string[]
}
interface Surface {
  functions: string[]
  classes: Record<string, ClassSurface>
  /** The members of the boot addon. */
  boot: string[]
}

function declaredClass(declaration: ts.ClassDeclaration): ClassSurface {
  const surface: ClassSurface = { statics: [], methods: [], getters: [] }
  for (const member of declaration.members) {
    if (ts.isConstructorDeclaration(member)) continue
    const name = (member.name as ts.Identifier).text
    const isStatic =
      ts.canHaveModifiers(member) && ts.getModifiers(member)?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword)
    if (isStatic) surface.statics.push(name)
    else if (ts.isMethodDeclaration(member)) surface.methods.push(name)
    else surface.getters.push(name)
  }
  return sorted(surface)
}

function sorted(surface: ClassSurface): ClassSurface {
  return { statics: surface.statics.sort(), methods: surface.methods.sort(), getters: surface.getters.sort() }
}

function declaredSurface(): Surface {
  const text = readFileSync(join(repositoryRoot, 'binding.d.ts'), 'utf8')
  const surface: Surface = { functions: [], classes: {}, boot: [] }
  for (const statement of ts.createSourceFile('binding.d.ts', text, ts.ScriptTarget.Latest).statements) {
    if (ts.isFunctionDeclaration(statement)) surface.functions.push(statement.name?.text ?? '')
    else if (ts.isClassDeclaration(statement)) surface.classes[statement.name?.text ?? ''] = declaredClass(statement)
    else if (ts.isInterfaceDeclaration(statement) && statement.name.text === 'NativeBoot')
      surface.boot = statement.members.map(({ name }) => (name as ts.Identifier).text).sort()
    else expect(ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)).toBe(true)
  }
  surface.functions.sort()
  return surface
}

function realClass(nativeClass: { prototype: object }): ClassSurface {
  const members = Object.entries(Object.getOwnPropertyDescriptors(nativeClass.prototype))
  const own = members.filter(([name]) => name !== 'constructor')
  const builtIn = Object.getOwnPropertyNames(class {})
  const statics = Object.getOwnPropertyNames(nativeClass).filter(
    (name) => ![...builtIn, 'name', 'caller', 'arguments'].includes(name),
  )
  expect(Object.getOwnPropertySymbols(nativeClass.prototype)).toEqual([])
  return sorted({
    statics,
    methods: own.filter(([, { value }]) => typeof value === 'function').map(([name]) => name),
    getters: own.filter(([, { get }]) => get !== undefined).map(([name]) => name),
  })
}

function realSurface(): Surface {
  const surface: Surface = { functions: [], classes: {}, boot: [] }
  const addon = native() as unknown as Record<string, { prototype: object }>
  for (const name of Object.getOwnPropertyNames(addon)) {
    const member = addon[name] as { prototype: object }
    expect(typeof member).toBe('function')
    // N-API makes its functions as classes are made; only those that stand for a class have members.
    if (/^Native[A-Z]/.test(name)) surface.classes[name] = realClass(member)
    else surface.functions.push(name)
  }
  surface.functions.sort()
  surface.boot = Object.getOwnPropertyNames(boot()).sort()
  expect(Object.values(boot()).map((member) => typeof member)).toEqual(surface.boot.map(() => 'function'))
  return surface
}

test('binding.d.ts declares what the addons have, and nothing else', () => {
  const declared = declaredSurface()
  expect(Object.keys(declared.classes).length).toBeGreaterThan(3)
  expect(declared.functions.length).toBeGreaterThan(5)
  expect(declared.boot).toContain('open')
  expect(realSurface()).toEqual(declared)
})

test('every getter is read-only and every member of a class sits on its prototype', () => {
  const { NativeTensor } = native()
  const tensor = new NativeTensor(new Uint8Array(4), 'float32', [1])
  expect(Object.getOwnPropertyNames(tensor)).toEqual([])
  for (const [name, { get, set }] of Object.entries(Object.getOwnPropertyDescriptors(NativeTensor.prototype))) {
    if (get !== undefined) expect([name, set]).toEqual([name, undefined])
  }
  tensor.dispose()
})
