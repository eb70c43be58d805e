import { nameOperation } from '../core/errors.js'

type Verb = (this: unknown, ...args: unknown[]) => unknown

/** The same function, whose errors of ours say that it was the one that was called. */
function named(operation: string, verb: Verb): Verb {
  const failed = (error: unknown): never => {
    nameOperation(error, operation)
    throw error
  }
  // A method, because no verb can be called with `new`.
  const { own } = {
    own(this: unknown, ...args: unknown[]): unknown {
      try {
        const result = verb.apply(this, args)
        return result instanceof Promise ? result.catch(failed) : result
      } catch (error) {
        return failed(error)
      }
    },
  }
  for (const key of ['name', 'length'] as const) {
    Object.defineProperty(own, key, { value: verb[key], configurable: true })
  }
  return own
}

function nameAll(owner: object, prefix: string): void {
  for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
    if (key === 'constructor' || typeof property.value !== 'function') continue
    Object.defineProperty(owner, key, { ...property, value: named(`${prefix}${key}`, property.value as Verb) })
  }
}

/**
 * Has errors of the methods of a class name the one that the caller called: 'classify', 'ImageClassifier.load'. What is
 * within it knows its own name only. (A stream's errors come later: `imageStream` names those.)
 */
export function nameVerbs(modelClass: { readonly name: string; readonly prototype: object }): void {
  nameAll(modelClass, `${modelClass.name}.`)
  nameAll(modelClass.prototype, '')
}
