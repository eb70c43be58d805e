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
    for (const survivor of handlesIn(result)) {
      if (this.#members.delete(survivor)) this.#parent?.adopt(survivor)
    }
    for (const member of this.#members) member.dispose()
    this.#members.clear()
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
function handlesIn(value: unknown, found = new Set<Disposable>(), seen = new Set<object>()): Set<Disposable> {
  if (typeof value !== 'object' || value === null || seen.has(value)) return found
  seen.add(value)
  if (isHandle(value)) {
    found.add(value)
  } else if (Array.isArray(value) || value instanceof Set) {
    for (const item of value) handlesIn(item, found, seen)
  } else if (value instanceof Map) {
    for (const entry of value) handlesIn(entry, found, seen)
  } else if (!ArrayBuffer.isView(value)) {
    for (const item of Object.values(value)) handlesIn(item, found, seen)
  }
  return found
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

/** Takes a handle out of all scopes around: from here on the caller disposes it. Returns it. */
export function keep<T extends Disposable>(handle: T): T {
  if (typeof handle !== 'object' || handle === null || !isHandle(handle)) {
    throw invalidArgument('handle', 'a Tensor, Module or Generator', handle, { operation: 'keep' })
  }
  current.getStore()?.release(handle)
  return handle
}
