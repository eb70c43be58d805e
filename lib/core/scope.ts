import { AsyncLocalStorage } from 'node:async_hooks'
import { invalidArgument } from './errors.js'

/** A handle on native memory: Tensor, Module, Generator. */
export interface Disposable {
  readonly disposed: boolean
  /** Gives the memory back; a second time nothing happens. */
  dispose(): void
}

class Scope {
  readonly #members = new Set<Disposable>()
  readonly #parent: Scope | undefined
  #closed = false

  constructor(parent: Scope | undefined) {
    this.#parent = parent
  }

  /** What arrives after the end (of a call that nobody awaited) belongs to the scope around. */
  adopt(handle: Disposable): void {
    if (this.#closed) this.#parent?.adopt(handle)
    else this.#members.add(handle)
  }

  release(handle: Disposable): void {
    this.#members.delete(handle)
    this.#parent?.release(handle)
  }

  /** Disposes all members but those within `result`, which go to the scope around. */
  close(result: unknown): void {
    this.#closed = true
    try {
      for (const survivor of handlesIn(result)) {
        if (this.#members.delete(survivor)) this.#parent?.adopt(survivor)
      }
    } finally {
      for (const member of this.#members) member.dispose()
      this.#members.clear()
    }
  }
}

const current = new AsyncLocalStorage<Scope>()
const handleBrand = Symbol('node-libtorch handle')

/** Marks a class whose instances scopes own. */
export function markHandleClass(handleClass: { prototype: Disposable }): void {
  Object.defineProperty(handleClass.prototype, handleBrand, { value: true })
}

const isHandle = (value: object): value is Disposable => handleBrand in value

/** All handles in a value: itself, or inside arrays, Maps, Sets and plain objects at any depth. */
function findHandles(result: unknown): Set<Disposable> {
  const found = new Set<Disposable>()
  const seen = new Set<object>()
  const waiting = [result]
  while (waiting.length > 0) {
    const value = waiting.pop()
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    if (isHandle(value)) found.add(value)
    else if (Array.isArray(value) || value instanceof Set || value instanceof Map)
      for (const item of value) waiting.push(item)
    else if (!ArrayBuffer.isView(value)) for (const item of Object.values(value)) waiting.push(item)
  }
  return found
}

function handlesIn(result: unknown): Set<Disposable> {
  try {
    return findHandles(result)
  } catch (cause) {
    // A getter or a proxy of the caller threw.
    throw invalidArgument('the result of work', 'a value that can be read', result, { operation: 'scope', cause })
  }
}

/** Registers a new handle with the scope that the caller runs in, if any. */
export function adopt(handle: Disposable): void {
  current.getStore()?.adopt(handle)
}

/**
 * Runs `work` and disposes every tensor, module and generator that was made in it, across `await`, in parallel and
 * nested, except those that it returns (itself, or in arrays, Maps, Sets and objects) or that `keep` was called with.
 * When `work` throws, all are disposed.
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
export function keep<T extends Disposable>(handle: T): T {
  if (!isLiveOrDisposed(handle)) {
    throw invalidArgument('handle', 'a Tensor, Module or Generator', handle, { operation: 'keep' })
  }
  current.getStore()?.release(handle)
  return handle
}
