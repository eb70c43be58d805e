// A row for every public function, method and getter of node-libtorch/io. No row reaches the network: the table runs offline.
import { Tensor } from '../../../dist/index.js'
import * as io from '../../../dist/io/index.js'

const { Safetensors, batch, decodeImage, findInHubCache, hub, inspectSafetensors, preprocess, writeSafetensors } = io

const argument = (make, ...accepts) => ({ make, accepts })
const boolean = ['boolean']
const signal = ['signal']
const raw = signal

await writeSafetensors('given.safetensors', { x: Tensor.from([1, 2]) })
const opened = await Safetensors.open('given.safetensors')
const closed = await Safetensors.open('given.safetensors')
closed.dispose()

/** Besides what JavaScript has. */
export const furtherValues = [
  ['Safetensors', ['safetensors'], () => opened],
  ['disposed Safetensors', ['disposed safetensors'], () => closed],
  ['object of the Safetensors class', [], () => Object.create(Safetensors.prototype)],
]

const image = () => argument(() => ({ pixels: new Uint8Array(3), width: 1, height: 1 }))
const decoding = { autoOrient: boolean, maxPixels: [], signal }
const normalization = { inputSize: [], interpolation: [], mean: [], std: [] }

/** One finite number, or three. */
const numbers = ['numbers', 'integers']
const imageRows = [
  { name: 'decodeImage', target: decodeImage, isAsync: true, args: [image()], options: decoding, raw },
  {
    name: 'preprocess',
    target: preprocess,
    isAsync: true,
    args: [image(), argument(() => ({}), 'undefined', 'record')],
    options: { normalize: boolean, ...decoding },
    raw,
  },
  {
    name: 'preprocess',
    target: (config) => preprocess(image().make(), config),
    isAsync: true,
    options: { cropPct: ['number'], cropMode: [], ...normalization, mean: numbers, std: numbers },
  },
  {
    name: 'batch',
    target: batch,
    isAsync: true,
    args: [image()],
    options: { fit: [], normalize: boolean, ...normalization, ...decoding },
    raw,
  },
]

const hubOptions = {
  ...{ revision: [], type: [], token: [], endpoint: [], offline: [], retries: [], retryDelaySeconds: [] },
  ...{ timeoutSeconds: [], signal },
}
const snapshotOptions = { ...hubOptions, force: [], allow: [], ignore: [], parallel: [] }
const repository = () => argument(() => 'timm/tiny')
const file = () => argument(() => 'config.json')

const hubRows = [
  {
    name: 'findInHubCache',
    target: findInHubCache,
    isAsync: true,
    args: [argument(() => 'timm/tiny', 'string'), argument(() => 'config.json', 'string')],
    options: { revision: ['string'], type: [] },
  },
  {
    name: 'hub.file',
    target: hub.file,
    isAsync: true,
    args: [repository(), file()],
    options: { ...hubOptions, force: [] },
    raw,
  },
  { name: 'hub.snapshot', target: hub.snapshot, isAsync: true, args: [repository()], options: snapshotOptions, raw },
  {
    name: 'hub.file.steps',
    target: (...given) => hub.file.steps(...given).next(),
    isAsync: true,
    args: [repository(), file()],
    options: { ...hubOptions, force: [] },
    raw,
  },
  {
    name: 'hub.snapshot.steps',
    target: (...given) => hub.snapshot.steps(...given).next(),
    isAsync: true,
    args: [repository()],
    options: snapshotOptions,
    raw,
  },
]

function method(name, rest = {}) {
  const { value, get } = Object.getOwnPropertyDescriptor(Safetensors.prototype, name)
  const receivers = { kind: 'safetensors', make: () => opened }
  return { name: `Safetensors#${String(name)}`, target: value ?? get, receivers, isAsync: true, ...rest }
}

const outlives = { livesOn: ['disposed safetensors'] }
const tensorName = () => argument(() => 'x')
const reading = { device: [], dtype: [], signal }

const safetensorsRows = [
  {
    name: 'inspectSafetensors',
    target: inspectSafetensors,
    isAsync: true,
    args: [argument(() => 'given.safetensors')],
    options: {
      // Of a file on this machine they are read, but not used.
      ...{
        revision: ['string'],
        type: [],
        token: ['string'],
        endpoint: ['string'],
        offline: boolean,
        checksum: boolean,
      },
      ...{
        retries: ['integer'],
        retryDelaySeconds: ['number'],
        timeoutSeconds: ['number'],
        signal: ['signal', 'signal to ask'],
      },
    },
    raw,
  },
  {
    name: 'Safetensors.open',
    target: Safetensors.open,
    isAsync: true,
    args: [argument(() => 'given.safetensors')],
    options: { mmap: boolean, signal },
    raw,
  },
  { name: 'new Safetensors', target: Safetensors, isConstructor: true, args: [argument(() => 1), argument(() => 1)] },
  ...['metadata', 'mapped', 'keys'].map((name) => method(name, { isAsync: false })),
  method('info', { isAsync: false, args: [tensorName()] }),
  method('tensor', { args: [tensorName()], options: reading, raw }),
  method('slice', {
    args: [tensorName(), argument(() => 0, 'integer'), argument(() => 1, 'integer', 'undefined')],
    options: reading,
    raw,
  }),
  method('tensors', {
    args: [argument(() => ['x'], 'undefined', 'empty array', 'map', 'bytes')],
    options: reading,
    raw,
  }),
  method('toJSON', { isAsync: false }),
  method('disposed', { isAsync: false, ...outlives }),
  ...['dispose', Symbol.dispose].map((name) => method(name, { isAsync: false, ...outlives })),
]

/** Last: a bad path may be a good name for a file, which others would find. */
const writeRow = {
  name: 'writeSafetensors',
  target: writeSafetensors,
  isAsync: true,
  args: [argument(() => 'written.safetensors', 'string'), argument(() => ({}), 'record', 'map')],
  options: { metadata: ['record'], signal },
  raw,
}

export const rows = [...imageRows, ...hubRows, ...safetensorsRows, writeRow]
