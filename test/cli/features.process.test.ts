import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { ops } from '../../lib/core/ops.js'
import { scope } from '../../lib/core/scope.js'
import type { Tensor } from '../../lib/core/tensor.js'
import { Safetensors } from '../../lib/io/index.js'
import { type ChildOptions, type ChildResult, cliProgram, runNode } from '../support/child-script.js'
import { featureGolden, type PhotoFeatures } from '../support/feature-golden.js'
import { oraclePython } from '../support/golden-modules.js'
import { expectNoLeaks } from '../support/handles.js'
import { temporaryFolder, writeFile } from '../support/libtorch-folders.js'
import { expectSample, type Sample } from '../support/resnet-surface.js'
import { efficientnetLite0, photoFolder, photos, resnet18 } from '../support/sample-photos.js'
import { tinyArchive } from '../support/tiny-classifier.js'

expectNoLeaks()

interface Row {
  file: string
  embedding?: number[]
  features?: { name: string; shape: number[] }[]
  error?: { code: string; message: string }
}

/** In parts of the largest value: threads and instruction sets alone move features by 4e-6 of it. */
const tolerance = 1e-5

const features = (args: string[], options?: ChildOptions) => runNode([cliProgram, 'features', ...args], options)

/** Its embedding is the mean of red, green and blue, `times` over. */
const methods = (times: number) => `
def forward_features(self, x):
    return x
def forward_head(self, x, pre_logits: bool):
    return x.mean([2, 3]).repeat([1, ${times}])
def forward(self, x):
    return self.forward_head(self.forward_features(x), False)
`

let archive: Uint8Array
const pictures: Record<'red' | 'green' | 'blue', Buffer> = {} as never
beforeAll(async () => {
  archive = await tinyArchive(undefined, methods(1))
  for (const [name, background] of Object.entries({ red: '#ff0000', green: '#00ff00', blue: '#0000ff' })) {
    const create = { width: 8, height: 8, channels: 3, background } as const
    pictures[name as 'red'] = await sharp({ create }).png().toBuffer()
  }
})

/** Pictures in a folder, the model and the place of a result beside it; all gone when the test ends. */
function place(files: Record<string, keyof typeof pictures | Uint8Array>, program = archive) {
  const folder = join(temporaryFolder(), 'pictures')
  const [model, output] = [join(folder, '..', 'tiny.pt'), join(folder, '..', 'out.safetensors')]
  mkdirSync(folder)
  writeFileSync(model, program)
  for (const [path, content] of Object.entries(files)) {
    writeFileSync(join(folder, path), typeof content === 'string' ? pictures[content] : content)
  }
  return { folder, model, output, left: () => readdirSync(join(folder, '..')).sort() }
}

const rowsOf = ({ stdout }: ChildResult): Row[] => JSON.parse(stdout)
const expectEnd = ({ code, stderr }: ChildResult, end: { code: number; stderr: string | RegExp }) => {
  expect(stderr).toMatch(end.stderr instanceof RegExp ? end.stderr : new RegExp(`^${end.stderr}$`))
  expect(code).toBe(end.code)
}

/** What a file holds, and its metadata read as JSON. */
async function readBack(path: string) {
  const stored = await Safetensors.open(path)
  const { files = '', failures = '', format } = stored.metadata
  return { tensors: await stored.tensors(), files: JSON.parse(files), failures: JSON.parse(failures), format }
}

/** Of a tensor [N, ...] one row, as a golden has it. */
const asRow = ({ shape, ...golden }: Sample, dimensions: number): Sample => ({
  ...golden,
  shape: [1, ...shape.slice(shape.length - dimensions)],
})

describe('of the photographs it gives what timm gives:', () => {
  test('embeddings, to JSON', async () => {
    const result = await features(['--model', efficientnetLite0.weights, '--json', photoFolder])
    expectEnd(result, { code: 0, stderr: '' })
    const rows = rowsOf(result)
    expect(rows.map(({ file }) => file)).toEqual(photos)
    for (const { file, embedding = [] } of rows) {
      const golden = (featureGolden.tf_efficientnet_lite0.photos[basename(file)] as PhotoFeatures).embedding
      expect(embedding).toHaveLength(1280)
      const largest = Math.max(...golden.values.map(Math.abs))
      for (const [i, position] of golden.positions.entries()) {
        const distance = Math.abs((embedding[position] ?? Number.NaN) - (golden.values[i] as number))
        expect(distance, `${file} ${position}`).toBeLessThanOrEqual(tolerance * largest)
      }
    }
  })

  test.each([
    ['--indices', '2,-1', [2, 4]],
    ['--nodes', 'layer3, act1', [3, 0]],
  ] as const)('maps of %s %s, to a file', (flag, wanted, order) =>
    scope(async () => {
      const output = join(temporaryFolder(), 'maps.safetensors')
      const args = [flag, wanted, '--json', '--batch', '4', '--output', output, '--model', resnet18.full, photoFolder]
      const result = await features(args)
      expectEnd(result, { code: 0, stderr: '' })
      const { scales } = featureGolden.resnet18.photos['china.jpg'] as PhotoFeatures
      const shapes = order.map((index) => ({ name: scales[index]?.module, shape: scales[index]?.shape.slice(1) }))
      expect(rowsOf(result)).toEqual(photos.map((file) => ({ file, features: shapes })))
      const { tensors, files, failures } = await readBack(output)
      expect({ files, failures }).toEqual({ files: photos, failures: [] })
      expect([...tensors.keys()].sort()).toEqual(shapes.map(({ name }) => name).sort())
      for (const [i, file] of photos.entries()) {
        for (const index of order) {
          const golden = (featureGolden.resnet18.photos[basename(file)] as PhotoFeatures).scales[index] as Sample & {
            module: string
          }
          const row = await ops.narrow(tensors.get(golden.module) as Tensor, 0, i, 1)
          await expectSample(row, asRow(golden, 3), tolerance)
        }
      }
    }),
  )
})

describe('the formats', () => {
  test('text: the names, the shapes and the first numbers', async () => {
    const { folder, model } = place({ 'a.png': 'red', 'b\u001b[31m.png': 'blue' })
    const result = await features(['--embed', '--model', model, folder])
    expectEnd(result, { code: 0, stderr: '' })
    expect(result.stdout).toBe(
      `${folder}/a.png\n  embeddings [3]: 1.0000, 0.0000, 0.0000\n` +
        `${folder}/b\\x1b[31m.png\n  embeddings [3]: 0.0000, 0.0000, 1.0000\n`,
    )
  })

  test('JSON: embeddings that are the same float32 again, and errors in their place', async () => {
    const { folder, model } = place({ 'a.png': 'green', 'b.png': new Uint8Array(0), 'c.png': 'red' })
    const result = await features(['--json', '--model', model, folder, join(folder, 'none.png')])
    expectEnd(result, { code: 1, stderr: /^error: .*b\.png' is empty\nerror: .*none\.png' cannot be read.*\n$/ })
    expect(rowsOf(result)).toEqual([
      { file: `${folder}/a.png`, embedding: [0, 1, 0] },
      { file: `${folder}/b.png`, error: { code: 'ERR_TORCH_IMAGE', message: expect.stringContaining('is empty') } },
      { file: `${folder}/c.png`, embedding: [1, 0, 0] },
      { file: `${folder}/none.png`, error: { code: 'ERR_TORCH_IMAGE', message: expect.stringContaining('ENOENT') } },
    ])
  })

  test('CSV: a column per number', async () => {
    const { folder, model } = place({ 'a,b.png': 'red', 'c.png': new Uint8Array(0), 'd.png': 'green' })
    const result = await features(['--csv', '--model', model, folder])
    expectEnd(result, { code: 1, stderr: /^error: .*c\.png' is empty\n$/ })
    expect(result.stdout).toBe(`file,e0,e1,e2\r\n"${folder}/a,b.png",1,0,0\r\n${folder}/d.png,0,1,0\r\n`)
  })
})

describe('--output', () => {
  test('is one tensor of all embeddings, with names and failures, that Python reads', async () => {
    const { folder, model, output, left } = place({
      'a ü.png': 'red',
      'b.png': new Uint8Array(0),
      'c.png': 'green',
      'd.png': 'blue',
    })
    writeFileSync(output, 'of yesterday')
    const result = await features(['--output', output, '--batch', '2', '--model', model, folder])
    expectEnd(result, { code: 1, stderr: /^error: .*b\.png' is empty\n$/ })
    expect(result.stdout).toBe('')
    expect(left()).toEqual(['out.safetensors', 'pictures', 'tiny.pt'])
    const program = `
import json, sys
from safetensors import safe_open
with safe_open(sys.argv[1], 'pt') as file:
    tensors = {name: [str(file.get_tensor(name).dtype), file.get_tensor(name).tolist()] for name in file.keys()}
    print(json.dumps([tensors, {key: json.loads(text) for key, text in file.metadata().items() if key != 'format'}]))
`
    const { stdout, stderr } = spawnSync(oraclePython, ['-c', program, output])
    expect(String(stderr)).toBe('')
    const rows = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]
    const message = expect.stringContaining('is empty')
    expect(JSON.parse(String(stdout))).toEqual([
      { embeddings: ['torch.float32', rows] },
      {
        files: ['a ü.png', 'c.png', 'd.png'].map((name) => join(folder, name)),
        failures: [{ file: `${folder}/b.png`, code: 'ERR_TORCH_IMAGE', message }],
      },
    ])
  })

  test('is not written where no image is good, and what was there stays', async () => {
    const { folder, model, output, left } = place({ 'a.png': new Uint8Array(0) })
    writeFileSync(output, 'of yesterday')
    expectEnd(await features(['--output', output, '--model', model, folder]), { code: 1, stderr: /is empty\n$/ })
    expect(readFileSync(output, 'utf8')).toBe('of yesterday')
    expect(left()).toEqual(['out.safetensors', 'pictures', 'tiny.pt'])
  })

  test('that cannot be written is an error before any image', async () => {
    const { folder, model } = place({ 'a.png': new Uint8Array(0) })
    for (const target of [folder, join(folder, 'none', 'out.safetensors')]) {
      const result = await features(['--output', target, '--model', model, folder])
      expectEnd(result, { code: 1, stderr: /^error: Expected \S+ to be usable but it .*\n$/ })
    }
    expect(readdirSync(folder)).toEqual(['a.png'])
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('leaves nothing behind after %s, which ends it with %i', async (signal, status) => {
    const { folder, model, output, left } = place({ 'a.png': 'red' })
    const args = ['features', '--json', '--batch', '1', '--output', output, '--model', model, '-']
    const child = spawn(process.execPath, [cliProgram, ...args])
    let [stdout, stderr] = ['', '']
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    for (let i = 0; i < 20; i++) child.stdin.write(`${folder}/a.png\n`)
    child.stdout.on('data', (chunk) => {
      if (!stdout.includes('shape') && String(chunk).includes('shape')) child.kill(signal) // stdin stays open
      stdout += chunk
    })
    const [code] = await once(child, 'close')
    expect({ code, stderr }).toEqual({ code: status, stderr: 'interrupted\n' })
    expect(left()).toEqual(['pictures', 'tiny.pt'])
    const rows: Row[] = JSON.parse(stdout)
    expect(rows.pop()).toEqual({ error: { code: 'ERR_TORCH_ABORTED', message: 'interrupted' } })
    for (const row of rows) expect(row.features).toEqual([{ name: 'embeddings', shape: [3] }])
  })

  test('of thousands of images needs no more memory than of hundreds', async () => {
    // 240 kB each: all of them together would be 24 MB and 240 MB.
    const { folder, model, output } = place({ 'a.png': 'red' }, await tinyArchive(undefined, methods(20_000)))
    const report = writeFile(
      join(folder, 'report.cjs'),
      "process.on('exit', () => process._rawDebug(String(process.resourceUsage().maxRSS)))",
    )
    const peak = (count: number) => {
      const input = `${folder}/a.png\n`.repeat(count)
      const args = ['--require', report, cliProgram, 'features', '--output', output, '--model', model, '-']
      const { stderr, status } = spawnSync(process.execPath, args, { input })
      expect(status).toBe(0)
      return Number(String(stderr)) * 1024
    }
    const [many, few] = [peak(1000), peak(100)]
    expect(many - few).toBeLessThan(80e6)
    expect(await scope(async () => (await readBack(output)).tensors.get('embeddings')?.shape)).toEqual([100, 60_000])
  })
})

test('on a terminal there is a bar while nothing is printed', async () => {
  const { folder, model, output } = place({ 'a.png': 'red', 'b.png': new Uint8Array(0) })
  const spawnInTerminal = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))'
  const args = ['features', '--output', output, '--model', model, folder]
  const { status, stdout } = spawnSync(oraclePython, ['-c', spawnInTerminal, process.execPath, cliProgram, ...args], {
    input: '',
  })
  expect(status).toBe(1)
  expect(String(stdout)).toContain('reading features [')
  expect(String(stdout)).toMatch(/2 of 2 images/)
  expect(String(stdout)).toMatch(/error: .*b\.png' is empty\r\n/)
})

test('nothing to look at is an error, and so is a layer that there is not', async () => {
  const { folder, model, output, left } = place({ 'notes.txt': 'red' })
  const nothing = await features(['--json', '--output', output, '--model', model, folder])
  const message = `Expected images in ${folder} but found none`
  expectEnd(nothing, { code: 1, stderr: `error: ${message}\n` })
  expect(rowsOf(nothing)).toEqual([{ error: { code: 'ERR_TORCH_IMAGE', message } }])
  expect(left()).toEqual(['pictures', 'tiny.pt'])
  const picture = join(folder, 'notes.txt')
  const unknown = await features(['--nodes', 'layer9', '--model', resnet18.full, picture])
  expectEnd(unknown, { code: 2, stderr: /^error: Expected names of layers .*such as 'layer\d.* received 'layer9'\n$/ })
  const twice = await features(['--indices', '-1,4', '--output', output, '--model', resnet18.full, picture])
  expectEnd(twice, { code: 2, stderr: /^error: Expected each only once for the layers but received 'layer4'\n$/ })
})

test('--layers lists what --nodes and --indices may name, and a name that is far from all says so', async () => {
  const args = ['--layers', '--model', resnet18.full]
  const text = await features(args)
  expectEnd(text, { code: 0, stderr: '' })
  const lines = text.stdout.trimEnd().split('\n')
  expect(lines.slice(0, 4)).toEqual([
    'conv1',
    'bn1',
    "act1    scale 0: 64 channels, 1/2 of the input's size",
    'maxpool',
  ])
  expect(lines).toContain('layer3.1.conv2')
  const { layers, scales, ...others } = JSON.parse((await features([...args, '--json'])).stdout)
  expect(layers).toEqual(lines.map((line) => line.split(' ')[0]))
  expect(scales[4]).toEqual({ index: 4, layer: 'layer4', channels: 512, reduction: 32 })
  expect(others).toEqual({})
  const { folder } = place({ 'a.png': 'red' })
  const far = await features(['--nodes', 'nope', '--model', resnet18.full, join(folder, 'a.png')])
  const stderr = /^error: .* layers of the model \(conv1, bn1, .*, \.\.\.: .*features --layers, .* received 'nope'\n$/
  expectEnd(far, { code: 2, stderr })
})

test('an image on stdin has the name -, in a file too', async () => {
  const { model, output } = place({})
  const args = ['features', '--json', '--output', output, '--model', model, '-']
  const { stdout, stderr } = spawnSync(process.execPath, [cliProgram, ...args], { input: pictures.green })
  expect(String(stderr)).toBe('')
  expect(JSON.parse(String(stdout))).toEqual([{ file: '-', features: [{ name: 'embeddings', shape: [3] }] }])
  expect(await scope(async () => (await readBack(output)).files)).toEqual(['-'])
})

test.each<[string[], RegExp]>([
  [[], /missing required argument 'files'/],
  [['--indices', '1,x', 'x'], /'--indices <numbers>' argument '1,x' is invalid. Expected whole numbers with commas/],
  [['--indices', '1.5', 'x'], /Expected whole numbers/],
  [['--indices', '9', '--model', resnet18.full, 'x'], /integers from -5 to 4 for indices but received 9/],
  [['--nodes', 'layer1,', 'x'], /'--nodes <names>' argument 'layer1,' is invalid. Expected names with commas/],
  [['--embed', '--nodes', 'x', 'x'], /'--embed' cannot be used with option '--nodes <names>'/],
  [['--indices', '1', '--nodes', 'x', 'x'], /cannot be used with/],
  [['--json', '--csv', 'x'], /cannot be used with/],
  [['--csv', '--output', 'x', 'x'], /cannot be used with/],
  [['--csv', '--nodes', 'layer1', 'x'], /^error: Expected embeddings for --csv, .* received --nodes layer1: --json/],
  [['--csv', '--indices', '0,1', 'x'], /^error: Expected embeddings for --csv, .* received --indices 0,1: --json/],
  [['--layers', '--nodes', 'x'], /'--layers' cannot be used with option '--nodes <names>'/],
  [['--layers', 'x'], /^error: option '--layers' cannot be used with argument 'files'/],
  [['--output', '', '--model', resnet18.full, 'x'], /^error: Expected a path .* received ''/],
])('%j is refused with exit status 2', async (args, message) => {
  const { code, stdout, stderr } = await features(args)
  expect(stderr).toMatch(message)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
})

test('--help says what is written, with examples', async () => {
  const { code, stdout, stderr } = await features(['--help'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('Examples:\n  $ npx node-libtorch features photos/ --output photos.safetensors\n')
  expect(stdout).toMatch(/one float32 tensor 'embeddings' \[N, D\]/)
})
