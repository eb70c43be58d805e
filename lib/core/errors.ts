import { describe } from './describe.js'

interface ErrorRow {
  class: 'TorchError' | 'LibtorchError' | 'OutOfMemoryError'
  /** One sentence; ERRORS.md carries the same one. */
  meaning: string
  /** Whether the same call may succeed later without a change to program, files or machine. */
  retryable: boolean
}

/** Every code that this package throws or rejects with. ERRORS.md lists the same rows; a test keeps them equal. */
export const errorTable = {
  ERR_TORCH_INVALID_ARGUMENT: {
    class: 'TorchError',
    meaning: 'An argument or option has a type or value that the call does not take.',
    retryable: false,
  },
  ERR_TORCH_UNKNOWN_OPTION: {
    class: 'TorchError',
    meaning: 'An options object has a key that the call does not know; the message names the nearest known one.',
    retryable: false,
  },
  ERR_TORCH_SHAPE: {
    class: 'TorchError',
    meaning: 'A shape does not fit the data. Shapes that an operator refuses are ERR_TORCH_OPERATOR.',
    retryable: false,
  },
  ERR_TORCH_DTYPE: {
    class: 'TorchError',
    meaning: 'A dtype does not exist, or the operator has no implementation for it.',
    retryable: false,
  },
  ERR_TORCH_DEVICE: {
    class: 'TorchError',
    meaning: 'A device does not exist on this machine, or the operator has no implementation for it.',
    retryable: false,
  },
  ERR_TORCH_OUT_OF_MEMORY: {
    class: 'OutOfMemoryError',
    meaning: 'The device has not enough free memory; smaller batches or disposed tensors help.',
    retryable: true,
  },
  ERR_TORCH_DISPOSED: {
    class: 'TorchError',
    meaning: 'A tensor, module or generator was used after its dispose().',
    retryable: false,
  },
  ERR_TORCH_ABORTED: {
    class: 'TorchError',
    meaning: 'The call was cancelled before it ran; with an AbortSignal the reason of the signal is thrown instead.',
    retryable: true,
  },
  ERR_TORCH_LIBTORCH_NOT_FOUND: {
    class: 'LibtorchError',
    meaning: 'No usable libtorch is on this machine; the message lists every place looked at and the fix.',
    retryable: false,
  },
  ERR_TORCH_LIBTORCH_MISMATCH: {
    class: 'LibtorchError',
    meaning: 'The libtorch has a minor version that this package has no addon for.',
    retryable: false,
  },
  ERR_TORCH_LIBTORCH_BOOT: {
    class: 'LibtorchError',
    meaning: 'A libtorch was found but could not be opened, or the process already runs with other boot options.',
    retryable: false,
  },
  ERR_TORCH_MODULE_LOAD: {
    class: 'TorchError',
    meaning: 'The file or bytes are not a TorchScript archive that can be loaded, or the source text does not compile.',
    retryable: false,
  },
  ERR_TORCH_MODULE_RUN: {
    class: 'TorchError',
    meaning: 'A TorchScript method failed; details.trace holds its own traceback.',
    retryable: false,
  },
  ERR_TORCH_MODULE_SAVE: {
    class: 'TorchError',
    meaning: 'A module cannot be written as a TorchScript archive.',
    retryable: false,
  },
  ERR_TORCH_STATE_DICT: {
    class: 'TorchError',
    meaning: 'Tensors are not those of a module: names missing or unexpected, or other shapes; details list all.',
    retryable: false,
  },
  ERR_TORCH_FILE_FORMAT: {
    class: 'TorchError',
    meaning: 'A file has not the format that its reader expects: it is damaged, incomplete or of another kind.',
    retryable: false,
  },
  ERR_TORCH_OPERATOR: {
    class: 'TorchError',
    meaning: 'An ATen operator refused its arguments, or this libtorch does not have the operator.',
    retryable: false,
  },
  ERR_TORCH_IMAGE: {
    class: 'TorchError',
    meaning: 'An image cannot be read, decoded or resized; the message names it and details.reason says why.',
    retryable: false,
  },
  ERR_TORCH_DEPENDENCY: {
    class: 'TorchError',
    meaning: 'A package that this one needs does not load; the message names it and details.fix is what mends it.',
    retryable: false,
  },
  ERR_TORCH_CUDA: {
    class: 'TorchError',
    meaning: 'The CUDA runtime or driver reported an error; after most of them the process must be restarted.',
    retryable: false,
  },
  ERR_TORCH_DOWNLOAD: {
    class: 'TorchError',
    meaning: 'A file could not be fetched: the server is not reachable, refuses, or breaks off again and again.',
    retryable: true,
  },
  ERR_TORCH_CHECKSUM: {
    class: 'TorchError',
    meaning: 'A file has not the checksum or size that its source promises, or none is promised; it was not used.',
    retryable: false,
  },
  ERR_TORCH_HUB_NOT_FOUND: {
    class: 'TorchError',
    meaning: 'The hub has no such repository, revision or file, or hides the repository from this token.',
    retryable: false,
  },
  ERR_TORCH_HUB_UNAUTHORIZED: {
    class: 'TorchError',
    meaning: 'The hub wants a token, refuses the one that it got, or the repository asks for consent first.',
    retryable: false,
  },
  ERR_TORCH_HUB_OFFLINE: {
    class: 'TorchError',
    meaning: 'A file of the hub is not in the local cache, and the network is not to be used.',
    retryable: false,
  },
  ERR_TORCH_DISK: {
    class: 'TorchError',
    meaning: 'The disk is full, or a folder or file cannot be read or written; the message names it.',
    retryable: false,
  },
  ERR_TORCH_INSTALL: {
    class: 'LibtorchError',
    meaning: 'No package index or folder that was looked at has a libtorch that fits, or a wheel is damaged.',
    retryable: false,
  },
  ERR_TORCH_INTERNAL: {
    class: 'TorchError',
    meaning: 'A state that should be impossible: a defect of this package.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof errorTable

export interface ErrorInfo {
  /** The public verb that failed, such as 'Module.load' or 'ops.softmax'. */
  operation?: string | undefined
  details?: Readonly<Record<string, unknown>> | undefined
  cause?: unknown
}

/** Formats a stack where that has not happened; '' where the program's own Error.prepareStackTrace throws. */
export function readStack(error: Error): string {
  try {
    return error.stack ?? ''
  } catch {
    return ''
  }
}

const brandOf = (className: string) => Symbol.for(`node-libtorch.${className}`)

/** Brands instead of prototypes, so that an error of another copy of this package in the same process is recognized. */
function hasBrand(errorClass: typeof TorchError, value: unknown): boolean {
  if (!Object.hasOwn(errorClass, 'brand')) return Function.prototype[Symbol.hasInstance].call(errorClass, value)
  try {
    return typeof value === 'object' && value !== null && errorClass.brand in value
  } catch {
    return false // a proxy that throws: no error of ours
  }
}

/** The base class of every error of this package. `code` is one of `ErrorCode`. */
export class TorchError extends Error {
  static readonly brand = brandOf('TorchError')
  readonly code: ErrorCode
  /** The public verb that failed. */
  declare readonly operation?: string
  declare readonly details?: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, info: ErrorInfo = {}) {
    super(message, 'cause' in info ? { cause: info.cause } : undefined)
    this.code = code
    if (info.operation !== undefined) this.operation = info.operation
    if (info.details !== undefined) this.details = info.details
    // The stack's first line shows the code, as Node's own errors do.
    Object.defineProperty(this, 'name', { value: `${new.target.name} [${code}]`, configurable: true, writable: true })
    Error.captureStackTrace(this, new.target)
    readStack(this) // V8 may format the first line as late as here
    Reflect.deleteProperty(this, 'name')
  }

  /** Whether the same call may succeed later without a change to program, files or machine. */
  get retryable(): boolean {
    return Object.hasOwn(errorTable, this.code) && errorTable[this.code].retryable
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: `this` is the subclass that was asked
    return hasBrand(this, value)
  }
}

/** A device has not enough free memory (ERR_TORCH_OUT_OF_MEMORY). */
export class OutOfMemoryError extends TorchError {
  static override readonly brand = brandOf('OutOfMemoryError')
}

/** The machine's libtorch must be installed or mended (ERR_TORCH_LIBTORCH_*). */
export class LibtorchError extends TorchError {
  static override readonly brand = brandOf('LibtorchError')
}

const classes = { TorchError, LibtorchError, OutOfMemoryError }
for (const [name, errorClass] of Object.entries(classes)) {
  Object.defineProperty(errorClass.prototype, errorClass.brand, { value: true })
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true })
}

/** The errors that this package made, but for those that a caller aborted a call with. */
const ours = new WeakSet<WeakKey>()

/** The error of a code, as an instance of the class that `errorTable` names. */
export function torchError(code: ErrorCode, message: string, info?: ErrorInfo): TorchError {
  const error = new classes[errorTable[code].class](code, message, info)
  ours.add(error)
  return error
}

/** Whether this package made the error and may complete it; whatever else is thrown goes its way untouched. */
export function isOurs(error: unknown): error is TorchError {
  return ours.has(error as WeakKey)
}

/** From here on the error is the caller's. */
export function disown(error: unknown): void {
  ours.delete(error as WeakKey)
}

/** Names the public verb on an error of ours: inner parts and the native side know their own names only. */
export function nameOperation(error: unknown, operation: string): void {
  if (isOurs(error)) Reflect.set(error, 'operation', operation) // a caller may have frozen it meanwhile
}

/** ERR_TORCH_INVALID_ARGUMENT: "Expected <expected> for <name> but received <actual>". */
export function invalidArgument(name: string, expected: string, actual: unknown, info?: ErrorInfo): TorchError {
  const message = `Expected ${expected} for ${name} but received ${describe(actual)}`
  return torchError('ERR_TORCH_INVALID_ARGUMENT', message, info)
}

/** What a caller gave, and how a message speaks of it. */
interface Given {
  name: string
  expected: string
  actual: unknown
  operation?: string | undefined
}

/**
 * Reads what a caller gave. Whatever their getter, iterator or proxy throws, or a detached buffer, becomes the cause of
 * ERR_TORCH_INVALID_ARGUMENT.
 */
export function readSafely<T>({ name, expected, actual, operation }: Given, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (isOurs(cause)) throw cause
    throw invalidArgument(name, expected, actual, { operation, cause })
  }
}

/**
 * What the addon makes its errors with. `trace` is TorchScript's own traceback, '' where there is none; `lists` are names by
 * kind.
 */
export function createNativeError(
  code: string,
  message: string,
  operation: string,
  trace: string,
  lists: Readonly<Record<string, string[]>> = {},
): TorchError {
  const given = trace === '' ? lists : { trace, ...lists }
  const details = Object.keys(given).length === 0 ? undefined : given
  const info = { operation: operation === '' ? undefined : operation, details }
  if (Object.hasOwn(errorTable, code)) return torchError(code as ErrorCode, message, info)
  return torchError('ERR_TORCH_INTERNAL', `${message} (${code})`, info)
}
