import type { NativeModuleChanges, NativeScriptModule } from '../../binding.js'
import { invalidArgument, readSafely } from './errors.js'
import { defineOptions, parseOptions, type SignalOptions, signalField } from './options.js'
import { isPlainObject } from './plain-object.js'
import { nativeTensor, type Tensor } from './tensor.js'

type Named<T> = ReadonlyMap<string, T> | Readonly<Record<string, T>>

/** What a derived module has that its base has not, or has in another way. */
export interface ChangesOf<ModuleType> extends SignalOptions {
  /** TorchScript methods, which may call the base's; those of a known name take its place. */
  source?: string | undefined
  /** Submodules by name, of the same device and lane; those of a known name take its place. Tensors are shared. */
  modules?: Named<ModuleType> | undefined
  /** Trainable tensors by name, shared. */
  parameters?: Named<Tensor> | undefined
  /** Other tensors of the state by name, shared. */
  buffers?: Named<Tensor> | undefined
  /** Names of submodules and tensors of the base that go. */
  remove?: readonly string[] | undefined
}

const isName = (name: unknown) => typeof name === 'string' && /^[A-Za-z_]\w*$/.test(name)

/** Stops at the first element that is none: an array may have 4 billion holes. */
const isNames = (value: unknown) => Array.isArray(value) && value.findIndex((item) => !isName(item)) < 0

export const changesFields = defineOptions((z) => {
  const named = (what: string) => {
    const text = `${what} by name`
    return z.custom<Named<unknown>>((value) => value instanceof Map || isPlainObject(value), text).default({})
  }
  return {
    source: z.string('TorchScript source text').default(''),
    modules: named('modules'),
    parameters: named('tensors'),
    buffers: named('tensors'),
    remove: z.custom<string[]>(isNames, 'an array of names').default([]),
    signal: signalField(z),
  }
})

/** Names and what stands for them; `taken` are names of other entries. */
function entries<T>(
  field: string,
  named: Named<unknown>,
  taken: Set<string>,
  unwrap: (item: T) => unknown,
): [string[], unknown[]] {
  const given = { name: field, expected: 'a Map or an object that can be read', actual: named }
  const pairs = readSafely(given, () => (named instanceof Map ? [...named] : Object.entries(named)))
  for (const [name] of pairs) {
    if (!isName(name)) throw invalidArgument(`a name of ${field}`, 'letters, digits and _ only', name)
    if (taken.has(name)) throw invalidArgument(`the names of ${field}`, 'each name once', name)
    taken.add(name)
  }
  return [pairs.map(([name]) => name), pairs.map(([, item]) => unwrap(item as T))]
}

/** Throws ERR_TORCH_INVALID_ARGUMENT, ERR_TORCH_UNKNOWN_OPTION and ERR_TORCH_DISPOSED. */
export function readChanges<ModuleType>(
  changes: ChangesOf<ModuleType> | undefined,
  operation: string,
  nativeModule: (module: ModuleType) => NativeScriptModule,
): { changes: NativeModuleChanges; signal: AbortSignal | undefined } {
  const { source, remove, signal, ...given } = parseOptions(changesFields, changes, operation)
  const taken = new Set<string>()
  const [moduleNames, modules] = entries<ModuleType>('modules', given.modules, taken, nativeModule)
  const [parameterNames, parameters] = entries<Tensor>('parameters', given.parameters, taken, nativeTensor)
  const [bufferNames, buffers] = entries<Tensor>('buffers', given.buffers, taken, nativeTensor)
  const parts = { moduleNames, modules, parameterNames, parameters, bufferNames, buffers }
  return { changes: { source, removed: [...remove], ...parts } as NativeModuleChanges, signal }
}
