// A row for every public function, method and getter. `accepts`: the kinds of value that are no bad input there.
import { inspect } from 'node:util'
import { parseSchema } from '../../../dist/core/op-schema.js'
import { opSchemas } from '../../../dist/core/op-schemas.js'
import * as torch from '../../../dist/index.js'

const { Generator, Module, Tensor, libtorch, ops } = torch

const module = await Module.fromSource('def forward(self, x):\n    return x\n')
const argument = (make, ...accepts) => ({ make, accepts })

const boolean = ['boolean']
const integer = ['integer']
const signal = ['signal']
const execution = { gradMode: [], autocast: [], generator: ['generator'], signal }
const seeds = ['integer', 'bigint']

const handles = {
  Tensor: { kind: 'tensor', make: () => Tensor.from([1]) },
  Module: { kind: 'module', make: () => module },
  Generator: { kind: 'generator', make: () => new Generator(1) },
}

function method(className, name, rest = {}) {
  const { value, get } = Object.getOwnPropertyDescriptor(torch[className].prototype, name)
  const target = value ?? get
  return { name: `${className}#${String(name)}`, target, receivers: handles[className], isAsync: true, ...rest }
}

function getter(className, name) {
  const isKept = name === 'disposed' || ['Generator#device', 'Module#lane'].includes(`${className}#${name}`)
  return method(className, name, { isAsync: false, ...(isKept && outlives(className)) })
}

const outlives = (className) => ({ livesOn: [`disposed ${handles[className].kind}`] })

/** Last of a class: what they were called on is of no use afterwards. */
const disposals = (className) =>
  ['dispose', Symbol.dispose].map((name) => method(className, name, { isAsync: false, ...outlives(className) }))

/** Shows whatever it is asked to show. */
const printing = (className) => method(className, inspect.custom, { isAsync: false, receivers: undefined })

const tensorRows = [
  {
    name: 'Tensor.from',
    target: Tensor.from,
    args: [
      argument(
        () => [1, 2],
        'number',
        'bigint',
        'boolean',
        'array view',
        'bytes',
        'integers',
        'numbers',
        'bigints',
        'nested',
      ),
      argument(() => [2], 'undefined', 'record'),
    ],
    options: { dtype: [] },
  },
  {
    name: 'Tensor.from',
    target: (data) => Tensor.from(data, { dtype: 'int64' }),
    args: [argument(() => [1, 2], 'integer', 'bigint', 'boolean', 'array view', 'integers', 'bigints', 'nested')],
  },
  { name: 'new Tensor', target: Tensor, isConstructor: true, args: [argument(() => 1), argument(() => 1)] },
  ...['shape', 'strides', 'dtype', 'device', 'numel', 'nbytes', 'requiresGrad', 'disposed'].map((name) =>
    getter('Tensor', name),
  ),
  ...['item', 'toArray'].map((name) => method('Tensor', name, { options: { signal }, raw: signal })),
  method('Tensor', 'alias', { isAsync: false }),
  method('Tensor', 'data', { args: [argument(() => 'float32', 'undefined')], options: { signal }, raw: signal }),
  method('Tensor', 'to', { options: { device: [], dtype: [], signal }, raw: signal }),
  printing('Tensor'),
  method('Tensor', 'toJSON', { isAsync: false }),
  ...disposals('Tensor'),
]

const moduleRows = [
  {
    name: 'Module.load',
    target: Module.load,
    isAsync: true,
    args: [argument(() => '/nowhere')],
    options: { device: [], dtype: [], lane: [], sha256: [], signal },
    raw: signal,
  },
  {
    name: 'Module.fromSource',
    target: Module.fromSource,
    isAsync: true,
    args: [argument(() => 'def forward(self):\n    return 1\n', 'string')],
    options: { lane: integer, signal },
    raw: signal,
  },
  { name: 'new Module', target: Module, isConstructor: true, args: [argument(() => 1), argument(() => 1)] },
  ...['device', 'lane', 'training', 'disposed'].map((name) => getter('Module', name)),
  ...['methods', 'extraFiles'].map((name) => method('Module', name, { isAsync: false })),
  ...['parameters', 'buffers', 'stateDict'].map((name) => method('Module', name, { options: { signal }, raw: signal })),
  ...['submodules', 'eval'].map((name) => method('Module', name)),
  method('Module', 'forward', { args: [argument(() => Tensor.from(1), 'tensor')] }),
  method('Module', 'call', {
    args: [argument(() => 'forward'), argument(() => [Tensor.from(1)])],
    options: execution,
    raw: signal,
  }),
  method('Module', 'callLayers', {
    args: [argument(() => ['x'], 'strings'), argument(() => [Tensor.from(1)])],
    options: execution,
    raw: signal,
  }),
  method('Module', 'loadStateDict', {
    args: [argument(() => ({}), 'record', 'map')],
    options: { strict: boolean, anyShape: boolean, signal },
    raw: signal,
  }),
  method('Module', 'submodule', { args: [argument(() => 'x')] }),
  method('Module', 'train', { args: [argument(() => true, 'boolean', 'undefined')] }),
  method('Module', 'to', { options: { device: [], dtype: [], channelsLast: boolean, signal }, raw: signal }),
  method('Module', 'define', { args: [argument(() => 'x', 'string')], options: { signal }, raw: signal }),
  method('Module', 'defineLayerOutputs', {
    args: [argument(() => 'layers', 'string'), argument(() => ['x'], 'strings')],
    options: { signal },
    raw: signal,
  }),
  method('Module', 'derive', {
    options: {
      source: ['string'],
      modules: ['record', 'map'],
      parameters: ['record', 'map'],
      buffers: ['record', 'map'],
      remove: ['strings'],
      signal,
    },
    raw: signal,
  }),
  method('Module', 'setTrainable', {
    args: [argument(() => true, 'boolean')],
    options: { parameters: ['strings'], submodules: ['strings'], signal },
    raw: signal,
  }),
  method('Module', 'freeze', {
    options: { preserve: ['strings'], channelsLast: boolean, optimize: boolean, signal },
    raw: signal,
  }),
  method('Module', 'warmup', {
    args: [argument(() => [[1]])],
    options: { runs: [], dtype: [], method: [], signal },
    raw: signal,
  }),
  method('Module', 'toBytes', { options: { extraFiles: ['record'], signal }, raw: signal }),
  // Relative paths: the table runs in a folder of its own.
  method('Module', 'save', {
    args: [argument(() => 'module.pt', 'string')],
    options: { extraFiles: ['record'], signal },
    raw: signal,
  }),
  printing('Module'),
  method('Module', 'toJSON', { isAsync: false }),
  ...disposals('Module'),
]

const generatorRows = [
  {
    name: 'new Generator',
    target: Generator,
    isConstructor: true,
    args: [argument(() => 1, ...seeds)],
    options: { device: [] },
  },
  { name: 'Generator.default', target: Generator.default, args: [argument(() => 'cpu', 'undefined')] },
  ...['device', 'disposed'].map((name) => getter('Generator', name)),
  method('Generator', 'seed', { args: [argument(() => 1, ...seeds)] }),
  method('Generator', 'getState'),
  method('Generator', 'setState', { args: [argument(() => Tensor.from(1), 'tensor')] }),
  method('Generator', 'toJSON', { isAsync: false }),
  ...disposals('Generator'),
]

const processRows = [
  ...['devices', 'memory', 'queueDepths'].map((name) => ({ name, target: torch[name] })),
  { name: 'seed', target: torch.seed, isAsync: true, args: [argument(() => 1, ...seeds)] },
  { name: 'keep', target: torch.keep, args: [argument(() => Tensor.from(1), 'live handle', 'disposed handle')] },
  // What the work itself throws is not ours.
  { name: 'scope', target: torch.scope, isAsync: true, args: [argument(() => () => 1, 'function')], raw: ['function'] },
  { name: 'libtorch.boot', target: libtorch.boot, options: { path: [], spin: [], threads: [], callerStacks: boolean } },
  { name: 'libtorch.find', target: libtorch.find, options: { path: [] } },
  { name: 'libtorch.info', target: libtorch.info },
  ...['TorchError', 'LibtorchError', 'OutOfMemoryError'].map((name) => ({
    name,
    target: (value) => value instanceof torch[name],
    isLenient: true,
    args: [argument(() => 1)],
  })),
]

const plain = {
  Tensor: () =>
    Tensor.from([
      [1, 2],
      [3, 4],
    ]),
  Scalar: () => 1,
  int: () => 1,
  float: () => 0.5,
  bool: () => true,
  str: () => 'mean',
  ScalarType: () => 'float32',
  MemoryFormat: () => 'contiguous',
  Device: () => 'cpu',
  Layout: () => 'strided',
  Generator: () => new Generator(1),
}

/** Lenient: which types an operator refuses is tested elsewhere; here it is that nothing but typed errors comes. */
function operatorRow(text) {
  const schema = parseSchema(text)
  const shown = schema.arguments.filter(({ hidden }) => !hidden)
  const positional = shown.filter(({ position }) => position !== undefined)
  const args = positional.map(({ type, words }) => {
    const make = words === undefined ? plain[type.base] : () => words[0]
    return argument(type.list === undefined ? make : () => [make()])
  })
  const named = shown.filter(({ position }) => position === undefined).map(({ name }) => [name, []])
  const options = Object.fromEntries(named)
  return {
    name: `ops.${schema.publicName}`,
    target: ops[schema.publicName],
    isAsync: true,
    isLenient: true,
    args,
    options: { ...options, ...execution },
    raw: signal,
  }
}

const interpolateRow = {
  name: 'ops.interpolate',
  target: ops.interpolate,
  isAsync: true,
  args: [argument(() => Tensor.from([[[1, 2]]]))],
  options: {
    size: [],
    scaleFactor: ['number', 'numbers'],
    mode: [],
    alignCorners: boolean,
    antialias: boolean,
    recomputeScaleFactor: boolean,
    ...execution,
  },
  raw: signal,
}

export const rows = [
  ...tensorRows,
  ...generatorRows,
  ...processRows,
  ...opSchemas.map(operatorRow),
  interpolateRow,
  ...moduleRows,
]
