import { AsyncLocalStorage } from 'node:async_hooks'
import { types } from 'node:util'
import * as threads from 'node:worker_threads'
import { invalidArgument, readSafely, torchError } from './errors.js'
import { isPlainObject } from './plain-object.js'

/** Only classes of this package carry it: an object that merely has the members of a handle is none. */
export const handleBrand: unique symbol = Symbol('node-libtorch handle')

/** A handle on native memory: Tensor, Module, Generator and what is made of them. */
export interface Handle {
  readonly [handleBrand]: true
  readonly disposed: boolean
  /** Gives the memory back; a second time nothing happens. */
  dispose(): void
}

export class Scope {
  readonly #members = new Set<Handle>()
  readonly #parent: Scope | undefined
  #closed = false

  constructor(parent: Scope | undefined) {
    this.#parent = parent
  }

  /** What arrives after the end (of a call that nobody awaited) belongs to the scope around. */
  adopt(handle: Handle): void {
    if (this.#closed) this.#parent?.adopt(handle)
    else this.#members.add(handle)
  }

  release(handle: Handle): void {
    this.#members.delete(handle)
    this.#parent?.release(handle)
  }

  /** Disposes all members but those within `result`, which go to the scope around. */
  close(result: unknown): void {
    this.#closed = true
    try {
      for (const survivor of this.#members.size === 0 ? [] : handlesIn(result)) {
        if (this.#members.delete(survivor)) this.#parent?.adopt(survivor)
      }
    } finally {
      for (const member of this.#members) member.dispose()
      this.#members.clear()
    }
  }
}

const current = new AsyncLocalStorage<Scope>()

/**
 * Marks a class whose instances scopes own. JSON.stringify would make `{}` of them, so it throws and names `content`:
 * how their content is had.
 */
export function markHandleClass(handleClass: { name: string; prototype: Handle }, content: string): void {
  const toJSON = () => {
    const message = `Expected what JSON can hold but received an instance of ${handleClass.name}: use ${content}`
    throw torchError('ERR_TORCH_INVALID_ARGUMENT', message, { operation: 'toJSON' })
  }
  Object.defineProperties(handleClass.prototype, { [handleBrand]: { value: true }, toJSON: { value: toJSON } })
}

/** Structured clone (postMessage) would make `{}` of a handle; from Node.js 22.10 on it can be made to throw. */
const markAsUncloneable =
  'markAsUncloneable' in threads ? (threads.markAsUncloneable as (it: object) => void) : undefined

const isHandle = (value: object): value is Handle => handleBrand in value

/** V8 keeps longer arrays as tables, whose holes it would take hours to step over. */
const longestDenseArray = 2 ** 25

/** Own data properties: getters are the caller's program and are not run. */
function ownValues(object: object): unknown[] {
  return Object.keys(object).map((key) => Object.getOwnPropertyDescriptor(object, key)?.value)
}

function forEachPart(value: object, visit: (part: unknown) => void): void {
  if (Array.isArray(value)) {
    if (value.length > longestDenseArray) ownValues(value).forEach(visit)
    else for (let i = 0; i < value.length; i++) visit(value[i])
  } else if (types.isMap(value)) {
    Map.prototype.forEach.call(value, (item, key) => {
      visit(key)
      visit(item)
    })
  } else if (types.isSet(value)) {
    Set.prototype.forEach.call(value, visit)
  } else if (isPlainObject(value)) {
    ownValues(value).forEach(visit)
  }
}

/** All handles in a value: itself, or inside arrays, Maps, Sets and plain objects at any depth. */
function findHandles(result: unknown): Set<Handle> {
  const found = new Set<Handle>()
  const seen = new Set<object>()
  const waiting: object[] = []
  const visit = (part: unknown) => {
    if (typeof part === 'object' && part !== null) waiting.push(part)
  }
  visit(result)
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (seen.has(value)) continue
    seen.add(value)
    if (isHandle(value)) found.add(value)
    else forEachPart(value, visit)
  }
  return found
}

function handlesIn(result: unknown): Set<Handle> {
  const given = { name: 'the result of work', expected: 'a value that can be read', actual: result, operation: 'scope' }
  return readSafely(given, () => findHandles(result))
}

/** The scope that the caller runs in. */
export function currentScope(): Scope | undefined {
  return current.getStore()
}

/** Who gets the handles that are made now, where it is not the current scope: results come from outside of any. */
let recipient: { scope: Scope | undefined } | undefined
const recipientOfNext: { scope: Scope | undefined } = { scope: undefined }

/** `convert(result)`, whose handles belong to `scope`. It is synchronous and does not nest. */
export function convertedFor<Result, Converted>(
  scope: Scope | undefined,
  convert: (result: Result) => Converted,
  result: Result,
): Converted {
  recipientOfNext.scope = scope
  recipient = recipientOfNext
  try {
    return convert(result)
  } finally {
    recipient = undefined
    recipientOfNext.scope = undefined
  }
}

/** Registers a new handle with the scope that the caller runs in, if any; every handle class calls it once. */
export function adopt(handle: Handle): void {
  markAsUncloneable?.(handle)
  const scope = recipient === undefined ? current.getStore() : recipient.scope
  scope?.adopt(handle)
}

/**
 * Runs `work` and disposes every tensor, module and generator that was made in it, across `await`, in parallel and
 * nested, except those that it returns (itself, or in arrays, Maps, Sets and plain objects) or that `keep` was called
 * with. When `work` throws, all are disposed. Instances of other classes are not looked into, and getters are not run.
 */
export async function scope<T>(work: () => T | Promise<T>): Promise<T> {
  if (typeof work !== 'function') throw invalidArgument('work', 'a function', work, { operation: 'scope' })
  const own = new Scope(current.getStore())
  let result: T | undefined
  try {
    result = await current.run(own, work)
    return result
  } finally {
    own.close(result)
  }
}

/** Whether it is a handle and not an object that merely inherits from one. */
function isLiveOrDisposed(value: unknown): boolean {
  try {
    return typeof value === 'object' && value !== null && isHandle(value) && typeof value.disposed === 'boolean'
  } catch {
    return false // not a handle: its own members refuse it
  }
}

/** Takes a handle out of all scopes around: from here on the caller disposes it. Returns it. */
export function keep<T extends Handle>(handle: T): T {
  if (!isLiveOrDisposed(handle)) {
    throw invalidArgument('handle', 'a Tensor, Module or Generator', handle, { operation: 'keep' })
  }
  current.getStore()?.release(handle)
  return handle
}
