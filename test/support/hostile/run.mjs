// node run.mjs <public|io|install|models|native>: calls every row of the table with every hostile value in every place.
// Prints 'row <name>' before each row, at once, so that a crash is seen where it happens, and the results as JSON.
import { writeSync } from 'node:fs'
import { TorchError } from '../../../dist/index.js'
import { hostileValues } from './values.mjs'

/** The table may have values of its own. */
const { rows, furtherValues = [] } = await import(`./${process.argv[2]}-table.mjs`)
const timeLimit = 10_000
const receiverSuffix = ' as receiver'
const illegalInvocation = 'TypeError: Illegal invocation'

/** 'value', 'typed error', or what is wrong. */
async function outcomeOf(call, isAsync) {
  let pending
  try {
    pending = call()
  } catch (error) {
    if (isAsync) return `throws instead of rejecting: ${text(error)}`
    return error instanceof TorchError ? 'typed error' : text(error)
  }
  if (isAsync && !(pending instanceof Promise)) return 'gives no promise'
  let timer
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, timeLimit, 'hangs')
  })
  const settled = Promise.resolve(pending instanceof Promise ? pending : undefined).then(
    () => 'value',
    (error) => (error instanceof TorchError ? 'typed error' : text(error)),
  )
  const outcome = await Promise.race([settled, late])
  clearTimeout(timer)
  return outcome
}

function text(error) {
  try {
    return error instanceof Error ? (error.stack ?? '').split('\n')[0] : `threw ${String(error)}`
  } catch {
    return 'something that no text can be made of'
  }
}

/** For the hundreds of operators, which share one reader of arguments, some of each sort are enough. */
const skipped = new Set([
  ...['Infinity', '-Infinity', '-0', '2^64', '2n^64', 'empty string', 'lone surrogate', '__proto__', 'long string'],
  ...[
    'class',
    'array of NaN',
    'array of 2^53',
    'array of empty arrays',
    'ragged array',
    'sparse array',
    'Map of objects',
  ],
  ...[
    'object without prototype',
    'getters that throw null',
    'getters that throw undefined',
    'throwing toString',
    'Set',
  ],
  ...['throwing tag', 'Date', 'RegExp', 'WeakMap', 'Error', 'URL', 'file: URL with NUL', 'BigInt64Array', 'DataView'],
  ...['detached Float32Array', 'view out of bounds', 'object of the Uint8Array class', 'view with a throwing buffer'],
  ...['ArrayBuffer', 'disposed Module', 'object of the Module class', 'object of the Map class', 'array-like object'],
  ...[
    'proxy that throws null',
    'proxy that throws undefined',
    'throwing proxy of a function',
    'revoked proxy of a function',
  ],
])

/** All calls of a row: [description, kinds that are no bad input there, call]. */
function* callsOf({
  receivers,
  args = [],
  options,
  target,
  isConstructor = false,
  livesOn = [],
  isLenient = false,
  contextKeys = {},
  contextAt = -1,
  withoutKinds = [],
}) {
  const invoke = (receiver, given) =>
    isConstructor ? Reflect.construct(target, given) : Reflect.apply(target, receiver, given)
  const valid = () => args.map(({ make }) => make())
  const receiver = receivers?.make ?? (() => undefined)
  for (const [name, kinds, make] of [...hostileValues, ...furtherValues]) {
    if (isLenient && skipped.has(name)) continue
    if (kinds.some((kind) => withoutKinds.includes(kind))) continue
    for (const [i, { accepts }] of args.entries()) {
      yield [`${name} for argument ${i}`, kinds, accepts, () => invoke(receiver(), valid().with(i, make()))]
    }
    for (const [key, accepts] of Object.entries(options ?? {})) {
      const call = () => invoke(receiver(), [...valid(), { [key]: make() }])
      yield [`${name} for option ${key}`, kinds, [...accepts, 'undefined'], call]
    }
    for (const [key, accepts] of Object.entries(contextKeys)) {
      const call = () => invoke(receiver(), valid().with(contextAt, { [key]: make() }))
      yield [`${name} for ${key} of the context`, kinds, [...accepts, 'undefined'], call]
    }
    if (options !== undefined) {
      const accepts = ['undefined', 'record']
      yield [`${name} for the options`, kinds, accepts, () => invoke(receiver(), [...valid(), make()])]
    }
    if (receivers !== undefined) {
      const accepts = [receivers.kind, ...livesOn]
      yield [`${name}${receiverSuffix}`, kinds, accepts, () => invoke(make(), valid())]
    }
  }
  if (options !== undefined) {
    yield ['an unknown option', [], [], () => invoke(receiver(), [...valid(), { nonsense: undefined, nonsens: 1 }])]
  }
}

async function runRow(row) {
  const failures = []
  let calls = 0
  for (const [description, kinds, accepts, call] of callsOf(row)) {
    calls++
    const isAccepted = accepts.includes('*') || kinds.some((kind) => accepts.includes(kind))
    const outcome = await outcomeOf(call, row.isAsync)
    if (outcome === 'typed error') continue
    if (row.isPlainC && outcome.startsWith('TypeError: Expected ')) continue
    if (row.receivers?.guardedByV8 && description.endsWith(receiverSuffix) && outcome === illegalInvocation) continue
    if (outcome === 'value' && (isAccepted || row.isLenient)) continue
    if (kinds.some((kind) => accepts.includes(kind) && row.raw?.includes(kind))) continue
    failures.push(`${description}: ${outcome}`)
  }
  return { calls, failures }
}

const results = {}
for (const row of rows) {
  writeSync(1, `row ${row.name}\n`)
  const { calls, failures } = await runRow(row)
  const before = results[row.name] ?? { calls: 0, failures: [] } // overloads are rows of one name
  results[row.name] = { calls: before.calls + calls, failures: [...before.failures, ...failures] }
}
writeSync(1, JSON.stringify(results))
process.exit(0)
