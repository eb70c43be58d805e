// Files of the Python package are read here, and ours there: every dtype.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { type DType, dtypes } from '../../lib/core/dtype.js'
import { Tensor } from '../../lib/core/tensor.js'
import { Safetensors } from '../../lib/io/safetensors.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { oraclePython } from '../support/golden-modules.js'
import { expectNoLeaks, inScope } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'

expectNoLeaks()

const storable = (Object.keys(dtypes) as DType[]).filter((dtype) => dtype !== 'complex128')

const packed = storable.filter((dtype) => dtypes[dtype].packed)

/** name: [dtype, shape, SHA-256 of the bytes] */
type Description = Record<string, [string, number[], string]>

const describing = `
import hashlib, json, sys, torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
def describe(tensors):
    raw = lambda t: t.reshape(-1).view(torch.uint8).numpy().tobytes() if t.numel() else b""
    row = lambda t: [str(t.dtype)[6:], list(t.shape), hashlib.sha256(raw(t)).hexdigest()]
    print(json.dumps({name: row(tensor) for name, tensor in tensors.items()}))
path, dtypes, packed = sys.argv[1], *(names.split(",") for names in sys.argv[2:])
`

async function python(program: string, ...args: string[]): Promise<Description> {
  const { stdout } = await promisify(execFile)(oraclePython, [
    '-B',
    '-W',
    'ignore',
    '-c',
    describing + program,
    ...args,
  ])
  return JSON.parse(stdout)
}

async function description(tensors: Map<string, Tensor>): Promise<Description> {
  const rows = [...tensors].map(async ([name, tensor]) => {
    const { buffer, byteOffset, byteLength } = await tensor.data()
    const hash = createHash('sha256').update(new Uint8Array(buffer, byteOffset, byteLength))
    return [name, [tensor.dtype, [...tensor.shape], hash.digest('hex')]]
  })
  return Object.fromEntries(await Promise.all(rows))
}

const pythonTimeout = 120_000

test.each([[false], [true]])(
  'what Python writes is read here, mmap: %s',
  { timeout: pythonTimeout },
  inScope(async (mmap) => {
    const path = join(temporaryFolder(), 'python.safetensors')
    const written = await python(
      `
torch.manual_seed(5)
tensors = {}
for name in dtypes:
    kind = getattr(torch, name)
    size = torch.empty(0, dtype=kind).element_size()
    for shape in [(), (0,), (7,), (3, 0, 2), (5, 4, 3), (1000, 1001)]:
        if shape == () and name in packed:
            continue  # two numbers need a dimension to be counted in
        count = torch.Size(shape).numel() * size
        flat = torch.randint(0, 2 if name == "bool" else 256, (count,), dtype=torch.uint8)
        tensors[f"{name}{shape}"] = flat.view(kind).reshape(shape)
save_file(tensors, path, metadata={"format": "pt"})
describe(tensors)`,
      path,
      storable.join(),
      packed.join(),
    )
    const opened = await Safetensors.open(path, { mmap })
    expect(opened.metadata).toEqual({ format: 'pt' })
    const read = await opened.tensors()
    expect(read.size).toBe(storable.length * 6 - packed.length)
    expect(await description(read)).toEqual(written)
  }),
)

/** Values by rule, each byte of a dtype in use. */
function tensorOf(dtype: DType, shape: number[]): Tensor {
  const elements = shape.reduce((product, size) => product * size, 1)
  const bytes = new Uint8Array(elements * dtypes[dtype].bytes).map(
    (_, i) => (i * 31 + 7) % (dtype === 'bool' ? 2 : 256),
  )
  return Tensor.from(new dtypes[dtype].array(bytes.buffer), shape, { dtype })
}

test(
  'what is written here is read by Python, and written again there with the same bytes',
  { timeout: pythonTimeout },
  inScope(async () => {
    const folder = temporaryFolder()
    const ours = join(folder, 'ours.safetensors')
    const tensors = new Map<string, Tensor>()
    for (const dtype of storable) {
      for (const shape of [[], [0], [7], [3, 0, 2], [200, 301]]) {
        if (shape.length > 0 || !packed.includes(dtype)) tensors.set(`é ${dtype} "${shape}"`, tensorOf(dtype, shape))
      }
    }
    await writeSafetensors(ours, tensors, { metadata: { format: 'pt' } })
    const read = await python(
      `
with safe_open(path, "pt") as file:
    assert file.metadata() == {"format": "pt"}
    tensors = {name: file.get_tensor(name) for name in file.keys()}
save_file(tensors, path + ".again", metadata={"format": "pt"})
describe(tensors)`,
      ours,
      '',
      '',
    )
    expect(read).toEqual(await description(tensors))
    expect(Object.keys(read).length).toBe(storable.length * 5 - packed.length)
    expect(readFileSync(`${ours}.again`).equals(readFileSync(ours))).toBe(true)
  }),
)
