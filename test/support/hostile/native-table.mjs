// A row for every entry of binding.d.ts, called below the checks of TypeScript.
import { arrived } from '../../../dist/core/arrivals.js'
import { createNativeError } from '../../../dist/core/errors.js'
import { boot, native } from '../../../dist/core/native.js'

const addon = native()
const { NativeTensor, NativeGenerator, NativeCancellation, NativeScriptModule, NativeSafetensors } = addon

const fromSource = (text) => arrived(NativeScriptModule.fromSource(text, 0))
const module = await fromSource('def forward(self, x):\n    return x\n')
const neg = addon.findOperator('neg', '')
const tensor = () => new NativeTensor(new Uint8Array(4), 'float32', [1])

const argument = (make, ...accepts) => ({ make, accepts })
const string = (text, ...accepts) => argument(() => text, ...accepts)
const boolean = () => argument(() => true, 'boolean')
const lane = () => argument(() => 0, 'integer')
const seed = () => argument(() => 1, 'integer', 'bigint')
const noDevice = () => argument(() => undefined, 'undefined')
/** Read by its four names, so almost any object is an empty one; `contextKeys` are tried one by one. */
const context = () => argument(() => undefined, '*')

const contextKeys = { gradMode: [], autocast: [], generator: ['NativeGenerator'], cancellation: ['NativeCancellation'] }

const handles = {
  NativeTensor: tensor,
  NativeGenerator: () => new NativeGenerator('cpu', 1),
  NativeCancellation: () => new NativeCancellation(),
  NativeScriptModule: () => module,
}

const disposed = (handle) => {
  handle.dispose()
  return handle
}

/** Besides what JavaScript has. */
export const furtherValues = [
  ['NativeTensor', ['NativeTensor'], tensor],
  ['disposed NativeTensor', ['disposed native'], () => disposed(tensor())],
  ['NativeGenerator', ['NativeGenerator'], handles.NativeGenerator],
  ['disposed NativeGenerator', ['disposed native'], () => disposed(handles.NativeGenerator())],
  ['NativeCancellation', ['NativeCancellation'], handles.NativeCancellation],
  ['NativeScriptModule', ['NativeScriptModule'], () => module],
  ['object of the NativeTensor class', [], () => Object.create(NativeTensor.prototype)],
  ['array of a NativeTensor', ['tensors'], () => [tensor()]],
  ['array of a disposed NativeTensor', [], () => [disposed(tensor())]],
]

/** V8 itself guards the receivers of native methods: its TypeError is all that can be had there. */
function member(className, name, ...args) {
  const { value, get } = Object.getOwnPropertyDescriptor(addon[className].prototype, name)
  const receivers = { kind: className, make: handles[className], guardedByV8: true }
  return { name: `${className}#${name}`, target: value ?? get, receivers, args }
}

const outliving = (row) => ({ ...row, livesOn: ['disposed native'] })
const members = (className, ...names) => names.map((name) => member(className, name))

/** new, and a call as a plain function. */
const constructorRows = (className, ...args) => [
  { name: `new ${className}`, target: addon[className], isConstructor: true, args },
  { name: `${className}()`, target: addon[className], args: [argument(() => undefined)] },
]

const tensorRows = [
  ...constructorRows(
    'NativeTensor',
    argument(() => new Uint8Array(4), 'bytes'),
    string('float32'),
    argument(() => [1], 'empty array'),
  ),
  member('NativeTensor', 'alias'),
  { ...member('NativeTensor', 'bytes', context()), contextKeys },
  ...['shape', 'strides', 'dtype', 'device', 'requiresGrad', 'disposed'].map((name) =>
    outliving(member('NativeTensor', name)),
  ),
  member(
    'NativeTensor',
    'preview',
    argument(() => 3),
  ),
  { ...member('NativeTensor', 'to', noDevice(), noDevice(), context()), contextKeys },
  outliving(member('NativeTensor', 'dispose')),
]

const generatorRows = [
  ...constructorRows(
    'NativeGenerator',
    string('cpu'),
    argument(() => 1, 'integer', 'bigint', 'undefined'),
  ),
  ...['device', 'disposed'].map((name) => outliving(member('NativeGenerator', name))),
  member('NativeGenerator', 'getState'),
  member('NativeGenerator', 'seed', seed()),
  member(
    'NativeGenerator',
    'setState',
    argument(() => tensor(), 'NativeTensor'),
  ),
  outliving(member('NativeGenerator', 'dispose')),
]

const cancellationRows = [...constructorRows('NativeCancellation'), member('NativeCancellation', 'cancel')]

const noChanges = {
  source: '',
  removed: [],
  moduleNames: [],
  modules: [],
  parameterNames: [],
  parameters: [],
  bufferNames: [],
  buffers: [],
}
const source = () => argument(() => '/nowhere')
const moduleRows = [
  ...constructorRows(
    'NativeScriptModule',
    argument(() => undefined),
  ),
  {
    name: 'NativeScriptModule.load',
    target: NativeScriptModule.load,
    args: [source(), string('cpu'), noDevice(), lane(), context()],
    contextKeys,
  },
  {
    name: 'NativeScriptModule.fromSource',
    target: NativeScriptModule.fromSource,
    args: [string('x', 'string'), lane()],
  },
  ...members('NativeScriptModule', 'device', 'lane', 'training', 'disposed', 'methods', 'submodules', 'extraFiles'),
  {
    ...member('NativeScriptModule', 'call', string('forward'), context(), argument(tensor, 'NativeTensor')),
    contextKeys,
    contextAt: 1,
  },
  {
    ...member(
      'NativeScriptModule',
      'callLayers',
      argument(() => ['x'], 'strings'),
      context(),
      argument(tensor, 'NativeTensor'),
    ),
    contextKeys,
    contextAt: 1,
  },
  { ...member('NativeScriptModule', 'tensors', string('parameters'), context()), contextKeys, contextAt: 1 },
  member('NativeScriptModule', 'submodule', string('x')),
  member('NativeScriptModule', 'train', boolean()),
  { ...member('NativeScriptModule', 'to', noDevice(), noDevice(), boolean(), context()), contextKeys },
  { ...member('NativeScriptModule', 'define', string('x', 'string'), context()), contextKeys, contextAt: 1 },
  member(
    'NativeScriptModule',
    'defineLayerOutputs',
    string('layers', 'string'),
    argument(() => ['x'], 'strings'),
  ),
  member(
    'NativeScriptModule',
    'derive',
    argument(() => ({ ...noChanges })),
  ),
  member(
    'NativeScriptModule',
    'setTrainable',
    argument(() => [], 'strings'),
    argument(() => [], 'strings'),
    boolean(),
  ),
  member(
    'NativeScriptModule',
    'assign',
    argument(() => ['x'], 'strings'),
    argument(() => [tensor()], 'tensors'),
    boolean(),
    boolean(),
  ),
  member(
    'NativeScriptModule',
    'freeze',
    argument(() => [], 'strings'),
    boolean(),
    boolean(),
  ),
  // Its own keys are what counts: almost any object has none.
  member(
    'NativeScriptModule',
    'save',
    argument(() => ({}), '*'),
  ),
  member('NativeScriptModule', 'dispose'),
]

const file = 'table.safetensors'
await arrived(addon.writeSafetensors(file, ['x'], [tensor()], undefined, undefined))
const safetensors = await arrived(NativeSafetensors.open(file, false))
handles.NativeSafetensors = () => safetensors
const image = () => ({ samples: new Uint8Array(12), format: 'rgb', width: 2, height: 2 })
const placement = () => ({
  ...{ filter: 'bilinear', width: 2, height: 2, left: 0, top: 0 },
  fill: [0, 0, 0],
  table: undefined,
})
const batch = () => new NativeTensor(new Uint8Array(12), 'uint8', [1, 3, 2, 2])

const safetensorsRows = [
  ...constructorRows(
    'NativeSafetensors',
    argument(() => undefined),
  ),
  {
    name: 'NativeSafetensors.open',
    target: NativeSafetensors.open,
    args: [string(file), boolean(), context()],
    contextKeys,
  },
  ...members('NativeSafetensors', 'mapped', 'disposed', 'names', 'metadata'),
  member(
    'NativeSafetensors',
    'info',
    argument(() => 0, 'integer'),
  ),
  {
    ...member(
      'NativeSafetensors',
      'read',
      argument(() => [0], 'empty array'),
      argument(() => undefined, 'undefined'),
      noDevice(),
      noDevice(),
      context(),
    ),
    contextKeys,
  },
  {
    name: 'writeSafetensors',
    target: addon.writeSafetensors,
    args: [
      string('written.safetensors', 'string'),
      argument(() => ['x'], 'strings'),
      argument(() => [tensor()], 'tensors'),
      argument(() => ['key'], 'undefined', 'strings'),
      argument(() => ['value'], 'strings'),
      context(),
    ],
    contextKeys,
  },
  member('NativeSafetensors', 'dispose'),
]

const imageRows = [
  {
    name: 'writeImage',
    target: addon.writeImage,
    args: [argument(batch), argument(() => 0, 'integer'), argument(image), argument(placement), context()],
    contextKeys,
  },
  // One part of a picture or its place at a time.
  ...Object.keys(image()).map((key) => ({
    name: `writeImage with the image's ${key}`,
    target: (value) => addon.writeImage(batch(), 0, { ...image(), [key]: value }, placement()),
    args: [argument(() => image()[key], 'integer')],
  })),
  ...Object.keys(placement()).map((key) => ({
    name: `writeImage with the placement's ${key}`,
    target: (value) => addon.writeImage(batch(), 0, image(), { ...placement(), [key]: value }),
    args: [argument(() => placement()[key], 'number', 'bigint', 'undefined')],
  })),
]

const functionRows = [
  { name: 'findOperator', target: addon.findOperator, args: [string('neg', 'string'), string('', 'string')] },
  { name: 'operatorSchema', target: addon.operatorSchema, args: [argument(() => neg, 'integer')] },
  {
    name: 'callOperator',
    target: addon.callOperator,
    args: [argument(() => neg, 'integer'), context(), argument(tensor, 'NativeTensor')],
    contextKeys,
    contextAt: 1,
  },
  { name: 'seed', target: addon.seed, args: [seed()] },
  ...['memory', 'queueDepths', 'devices', 'build'].map((name) => ({ name, target: addon[name] })),
  // A function would take the place of the one that makes all later errors, or that settles all later calls.
  {
    name: 'initialize',
    target: addon.initialize,
    args: [argument(() => createNativeError), argument(() => 1)],
    withoutKinds: ['function'],
  },
]

/** Every operator with values of the wrong sorts, and every sort of value that TorchScript knows. */
const types = [
  ...['int', 'float', 'bool', 'str', 'Tensor', 'Any', 'Optional[int]', 'List[int]', 'List[Tensor]', 'Dict[str, int]'],
  ...['Dict[int, Any]', 'Tuple[int, str]', 'List[List[float]]', 'List[Optional[Tensor]]'],
]
const typedRows = []
for (const type of types) {
  const typed = await fromSource(`def forward(self, v: ${type}):\n    return v\n`)
  typedRows.push({
    name: `NativeScriptModule#call with ${type}`,
    target: (value) => typed.call('forward', undefined, value),
    args: [argument(() => undefined, '*')],
  })
}

/** Plain C without error codes: a TypeError is all that can be had there. libtorch is open, so a good call opens nothing. */
const bootRow = (name, ...args) => ({ name: `NativeBoot#${name}`, target: boot()[name], args, isPlainC: true })
const anything = () => argument(() => undefined, '*')
const bootRows = [
  bootRow(
    'open',
    string('/nowhere'),
    boolean(),
    ...['threads', 'spinCount', 'description'].map(() => string('', 'string')),
  ),
  bootRow('environment', string('PATH', 'string')),
  ...['booted', 'version', 'driver', 'leaveFirst'].map((name) => bootRow(name, anything())),
]

/** The entries that give a ticket: argument of the program. */
const pending = new Set(JSON.parse(process.argv[3]))

function awaited(row) {
  if (!pending.has(row.name.split(' with ')[0])) return row
  const { target } = row
  function call(...given) {
    return arrived(Reflect.apply(target, this, given))
  }
  return { ...row, target: call }
}

export const rows = [
  ...[...tensorRows, ...generatorRows, ...cancellationRows, ...functionRows, ...typedRows],
  ...[...safetensorsRows, ...imageRows, ...moduleRows, ...bootRows],
  { name: 'stop', target: addon.stop }, // the last: no task starts after it
].map(awaited)
