import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { imageFiles } from '../../lib/cli/image-files.js'
import { type ChildOptions, type ChildResult, cliProgram, runNode } from '../support/child-script.js'
import { startFakeHub } from '../support/fake-hub.js'
import { oraclePython } from '../support/golden-modules.js'
import { bareHub } from '../support/hub-environment.js'
import { temporaryFolder, writeFile } from '../support/libtorch-folders.js'
import { efficientnetLite0, goldenPhotos, photoFolder, photos, resnet18 } from '../support/sample-photos.js'
import { tinyArchive, tinyConfig } from '../support/tiny-classifier.js'

interface Row {
  file: string
  predictions?: { index: number; label: string; probability: number; wordnetId?: string }[]
  error?: { code: string; message: string }
}

const classify = (args: string[], options?: ChildOptions) => runNode([cliProgram, 'classify', ...args], options)

/** Small pictures and a small model: what is tested is the command. */
let archive: Uint8Array
const pictures: Record<'red' | 'green' | 'blue', Buffer> = {} as never
beforeAll(async () => {
  archive = await tinyArchive({ ...tinyConfig, label_names: ['red', 'green, as "leaves"', 'blue'] })
  for (const [i, name] of (['red', 'green', 'blue'] as const).entries()) {
    const [r = 0, g = 0, b = 0] = [0, 1, 2].map((channel) => (channel === i ? 255 : 0))
    pictures[name] = await sharp({ create: { width: 8, height: 8, channels: 3, background: { r, g, b } } })
      .png()
      .toBuffer()
  }
})

/** {folder, model}: pictures by their path, in a folder that is gone when the test ends. */
function place(files: Record<string, keyof typeof pictures | Uint8Array>): { folder: string; model: string } {
  const folder = join(temporaryFolder(), 'pictures')
  const model = join(folder, '..', 'tiny.pt')
  mkdirSync(folder)
  writeFileSync(model, archive)
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), typeof content === 'string' ? pictures[content] : content)
  }
  return { folder, model }
}

const rowsOf = ({ stdout }: ChildResult): Row[] => JSON.parse(stdout)
const expectEnd = ({ code, stderr }: ChildResult, end: { code: number; stderr: string | RegExp }) => {
  expect(stderr).toMatch(end.stderr instanceof RegExp ? end.stderr : new RegExp(`^${end.stderr}$`))
  expect(code).toBe(end.code)
}

test('says of the photographs what timm says', async () => {
  const result = await classify(['--model', efficientnetLite0.weights, '--json', '--top', '3', photoFolder])
  expectEnd(result, { code: 0, stderr: '' })
  const rows = rowsOf(result)
  expect(rows.map(({ file }) => file)).toEqual(photos)
  for (const { file, predictions = [] } of rows) {
    const { top } = goldenPhotos.tf_efficientnet_lite0[basename(file)] as {
      top: { index: number; probability: number }[]
    }
    expect(predictions).toHaveLength(3)
    for (const [i, { index, probability }] of predictions.entries()) {
      expect(index).toBe(top[i]?.index)
      expect(Math.abs(probability - (top[i]?.probability ?? Number.NaN))).toBeLessThanOrEqual(1e-4)
    }
  }
})

describe('the formats', () => {
  test('text: a line for the image, a line per class', async () => {
    const { folder, model } = place({ 'a.png': 'red', 'b\u001b[31m.png': 'blue' })
    const result = await classify(['--model', model, '--top', '2', folder])
    expectEnd(result, { code: 0, stderr: '' })
    expect(result.stdout).toBe(
      `${folder}/a.png\n   57.6 %  red\n   21.2 %  green, as "leaves"\n` +
        `${folder}/b\\x1b[31m.png\n   57.6 %  blue\n   21.2 %  red\n`,
    )
  })

  test('CSV: RFC 4180, whatever the names hold', async () => {
    const names = ['a,b.png', 'say "cheese".png', 'two\nlines.png', 'plain.png']
    const { folder, model } = place(Object.fromEntries(names.map((name) => [name, 'green'])))
    const { stdout, code } = await classify(['--csv', '--top', '1', '--model', model, folder])
    expect(code).toBe(0)
    const probability = /,(0\.5761\d*),1,\r\n/.exec(stdout)?.[1]
    const row = (file: string) => `${file},1,"green, as ""leaves""",${probability},1,\r\n`
    expect(stdout).toBe(
      `file,rank,label,probability,index,wordnet_id\r\n` +
        row(`"${folder}/a,b.png"`) +
        row(`${folder}/plain.png`) +
        row(`"${folder}/say ""cheese"".png"`) +
        row(`"${folder}/two\nlines.png"`),
    )
    const parse = 'import csv, sys, json; print(json.dumps(list(csv.reader(sys.stdin))))'
    const env = { ...process.env, PYTHONIOENCODING: 'utf-8:strict' }
    const python = spawnSync(
      oraclePython,
      ['-c', `sys = __import__("sys"); sys.stdin.reconfigure(newline="")\n${parse}`],
      {
        input: stdout,
        env,
      },
    )
    const parsed: string[][] = JSON.parse(String(python.stdout))
    expect(parsed.slice(1).map(([file]) => file?.slice(folder.length + 1))).toEqual([...names].sort())
    expect(new Set(parsed.map(({ length }) => length))).toEqual(new Set([6]))
  })

  test('JSON: one array, also of nothing but errors', async () => {
    const { folder, model } = place({ 'a.png': 'red', 'b.png': new Uint8Array(0) })
    const args = ['--json', '--top', '1', '--model', model]
    const some = await classify([...args, folder])
    expect(rowsOf(some)).toEqual([
      { file: `${folder}/a.png`, predictions: [{ index: 0, label: 'red', probability: expect.closeTo(0.576, 3) }] },
      { file: `${folder}/b.png`, error: { code: 'ERR_TORCH_IMAGE', message: expect.stringContaining('is empty') } },
    ])
    expect(rowsOf(await classify([...args, join(folder, 'none.png')]))).toMatchObject([
      { file: join(folder, 'none.png'), error: { code: 'ERR_TORCH_IMAGE' } },
    ])
  })
})

describe('what is classified', () => {
  test('folders to any depth in the order of names, only images; files as they are named', async () => {
    const { folder, model } = place({
      'b/inner/1.JPEG': 'red',
      'b/2.webp': 'green',
      'a.png': 'blue',
      'Z.tiff': 'red',
      'c.gif': 'green',
      'notes.txt': 'red',
      '.hidden.png': 'blue',
    })
    symlinkSync(folder, join(folder, 'b', 'loop'))
    symlinkSync(join(folder, 'a.png'), join(folder, 'd.png'))
    symlinkSync(join(folder, 'gone'), join(folder, 'e.png'))
    const text = join(folder, 'notes.txt')
    const result = await classify(['--json', '--top', '1', '--batch', '2', '--model', model, text, folder, text])
    const rows = rowsOf(result)
    const below = ['.hidden.png', 'Z.tiff', 'a.png', 'b/2.webp', 'b/inner/1.JPEG', 'c.gif', 'd.png', 'e.png']
    expect(rows.map(({ file }) => file)).toEqual([text, ...below.map((name) => join(folder, name)), text])
    const labels = rows.map(({ predictions }) => predictions?.[0]?.label.split(',')[0])
    expect(labels).toEqual(['red', 'blue', 'red', 'blue', 'green', 'red', 'green', 'blue', undefined, 'red'])
    expectEnd(result, { code: 1, stderr: /^error: .*e\.png' cannot be read: .*ENOENT.*\n$/ })
  })

  test('paths that stdin lists, folders too', () => {
    const { folder, model } = place({ 'a.png': 'red', 'b/c.png': 'green', 'd.png': 'blue' })
    const input = `${folder}/d.png\r\n\n${folder}/b\n${folder}/a.png`
    const args = [cliProgram, 'classify', '--json', '--top', '1', '--model', model, '-']
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { input })
    expect({ stderr: String(stderr), status }).toEqual({ stderr: '', status: 0 })
    const rows: Row[] = JSON.parse(String(stdout))
    expect(rows.map(({ file }) => file.slice(folder.length + 1))).toEqual(['d.png', 'b/c.png', 'a.png'])
  })

  const classifyStdin = (input: Uint8Array | string, args: string[]) => {
    const all = [cliProgram, 'classify', '--json', '--top', '1', ...args]
    const { stdout, stderr, status } = spawnSync(process.execPath, all, { input })
    return { code: status, stderr: String(stderr), rows: JSON.parse(String(stdout)) as Row[] }
  }

  test('paths with NUL between them, as find -print0 lists them, whatever the names hold', () => {
    const { folder, model } = place({ 'a\n1.png': 'red', 'ü.png': 'green' })
    const { rows, ...end } = classifyStdin(`${folder}/a\n1.png\0${folder}/ü.png\0`, ['--model', model, '-'])
    expect(end).toEqual({ code: 0, stderr: '' })
    expect(rows.map(({ file }) => file.slice(folder.length + 1))).toEqual(['a\n1.png', 'ü.png'])
  })

  test.each(['china.jpg', 'coffee.png'])('an image on stdin: %s', (name) => {
    const path = join(photoFolder, name)
    const [fromStdin, fromFile] = classifyStdin(readFileSync(path), ['--model', resnet18.full, '-', path]).rows
    expect(fromStdin).toEqual({ ...fromFile, file: '-' })
    expect(fromFile?.predictions).toHaveLength(1)
  })

  test('an image on stdin that is damaged is one error', () => {
    const { model } = place({})
    const bytes = readFileSync(join(photoFolder, 'china.jpg')).subarray(0, 70_000)
    const { rows, code, stderr } = classifyStdin(bytes, ['--model', model, '-'])
    expect(stderr).toMatch(/^error: Expected a whole image but standard input cannot be decoded: .*\n$/)
    expect({ code, rows }).toMatchObject({ code: 1, rows: [{ file: '-', error: { code: 'ERR_TORCH_IMAGE' } }] })
  })

  test.each([
    ['a program', () => readFileSync(process.execPath).subarray(0, 1e6)],
    ['a bitmap', () => Buffer.from('BM6\x03\0\0\0\0\0\0'.padEnd(800, '\0'), 'latin1')],
    ['bytes that are no text', () => Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\0\x01'.repeat(9000), 'latin1')],
  ])('%s on stdin is one error, and nothing else is lost', (_, bytes) => {
    const { folder, model } = place({ 'a.png': 'red' })
    const { rows, ...end } = classifyStdin(bytes(), ['--model', model, '-', folder])
    const stderr = 'error: standard input cannot be read: it is neither an image nor a list of paths\n'
    expect(end).toEqual({ code: 1, stderr })
    const refused = { file: '-', error: { code: 'ERR_TORCH_DISK', message: stderr.slice('error: '.length, -1) } }
    expect(rows).toEqual([refused, expect.objectContaining({ file: join(folder, 'a.png') })])
  })

  test('a path of a list as soon as it comes, cut anywhere', async () => {
    const bytes = Buffer.from('a.png\nü.png\nlast.png')
    for (const size of [1, 2, 3, 7, bytes.length]) {
      const parts: Buffer[] = []
      for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size))
      const { signal } = new AbortController()
      const search = { stdin: Readable.from(parts), signal, onUnreadable: () => expect.unreachable() }
      const found: unknown[] = []
      for await (const path of imageFiles(['-'], search)) found.push(path)
      expect(found).toEqual(['a.png', 'ü.png', 'last.png'])
    }
  })

  test('nothing: that is an error which says where, and the output still whole', async () => {
    const { folder, model } = place({ 'notes.txt': 'red' })
    const result = await classify(['--json', '--model', model, folder, '-'])
    const message = `Expected images in ${folder}, standard input but found none`
    expectEnd(result, { code: 1, stderr: `error: ${message}\n` })
    expect(rowsOf(result)).toEqual([{ error: { code: 'ERR_TORCH_IMAGE', message } }])
  })

  test('folders and lists that cannot be read are named, and the search goes on', async () => {
    const { folder } = place({ 'a.png': 'red', 'b/2.png': 'green', 'c.png': 'red' })
    const stdin = Readable.from(
      (async function* () {
        yield Buffer.from(`${folder}\n`)
        throw new Error('the terminal hung up')
      })(),
    )
    const problems: string[] = []
    const found: string[] = []
    const onUnreadable = (place: string, { message }: Error) => problems.push(`${place}: ${message}`)
    const { signal } = new AbortController()
    for await (const path of imageFiles(['-', join(folder, 'c.png')], { stdin, signal, onUnreadable })) {
      found.push(String(path).slice(folder.length + 1))
      rmSync(join(folder, 'b'), { recursive: true, force: true }) // it was listed already
    }
    expect(found).toEqual(['a.png', 'c.png', 'c.png'])
    expect(problems).toEqual([expect.stringMatching(/pictures\/b: ENOENT/), '-: the terminal hung up'])
  })
})

test('bad images are named, each on a line, and stop nothing', async () => {
  const { folder, model } = place({
    'a.png': 'red',
    'b.png': pictures.red.subarray(0, 60),
    'c.png': new TextEncoder().encode('no picture'),
    'd\nx.png': new Uint8Array(0),
    'e.png': 'blue',
  })
  const result = await classify(['--top', '1', '--model', model, '--batch', '2', folder, join(folder, 'none.png')])
  expect(result.code).toBe(1)
  const lines = result.stderr.trimEnd().split('\n')
  for (const [i, name] of ["b.png'", "c.png'", "d\\x0ax.png'", "none.png'"].entries()) {
    expect(lines[i]).toMatch(/^error: Expected an? /)
    expect(lines[i]).toContain(`${name} `)
  }
  expect(lines).toHaveLength(4)
  expect(result.stdout).toBe(`${folder}/a.png\n   57.6 %  red\n${folder}/e.png\n   57.6 %  blue\n`)
})

describe('the model', () => {
  const nowhere = () => ({ HF_HOME: temporaryFolder(), HF_HUB_CACHE: undefined, HUGGINGFACE_HUB_CACHE: undefined })
  const coffee = join(photoFolder, 'coffee.png')

  test('is EfficientNet-Lite0 of the cache where the hub has nothing', async () => {
    const result = await classify(['--top', '1', '--csv', coffee], { env: nowhere() })
    expectEnd(result, { code: 0, stderr: '' })
    expect(result.stdout).toMatch(/coffee\.png,1,espresso,0\.951\d+,967,n07920052\r\n$/)
  })

  test('is ResNet18 of the hub where it is there', async () => {
    const env = nowhere()
    const commit = 'a'.repeat(40)
    const repository = join(env.HF_HOME, 'hub', 'models--timm--resnet18.a1_in1k')
    writeFile(join(repository, 'refs', 'main'), commit)
    const snapshot = join(repository, 'snapshots', commit)
    mkdirSync(snapshot, { recursive: true })
    cpSync(efficientnetLite0.weights, snapshot, { recursive: true })
    const config = JSON.parse(readFileSync(join(snapshot, 'config.json'), 'utf8'))
    writeFileSync(join(snapshot, 'config.json'), JSON.stringify({ ...config, architecture: 'resnet18' }))
    const result = await classify([coffee], { env })
    expectEnd(result, { code: 1, stderr: /^error: .*conv1\.weight/ }) // it was taken: these weights are another's
    expect(result.stdout).toBe('')
  })

  test('is fetched from the hub where it is not in the cache, which is shown', async () => {
    const files = ['config.json', 'model.safetensors'].map((name) => ({
      ...{ name, bytes: readFileSync(join(efficientnetLite0.weights, name)), large: name.endsWith('s') },
    }))
    const server = await startFakeHub(...files)
    const args = ['--top', '1', '--csv', '--model', 'timm/tiny', coffee]
    const { variables: env } = bareHub(server)
    const result = await classify(args, { env })
    expectEnd(result, { code: 0, stderr: /^asking the hub for .*\n(.*\n)*downloading model\.safetensors: 100 %\n/ })
    expect(result.stdout).toMatch(/coffee\.png,1,espresso/)
    const again = await classify([...args.slice(0, -1), '/none.png'], { env: { ...env, HF_HUB_OFFLINE: '1' } })
    expectEnd(again, { code: 1, stderr: /^error: .*none\.png.*\n$/ })
  })

  test('is of the revision that is asked for, which needs --model beside it', async () => {
    const server = await startFakeHub({ name: 'config.json', bytes: Buffer.from('{}'), large: false })
    const { variables: env } = bareHub(server)
    const result = await classify(['--model', 'timm/tiny', '--revision', 'v2', coffee], { env })
    expectEnd(result, {
      code: 1,
      stderr: /^asking the hub for timm\/tiny \(v2\)\nerror: .*the revision v2 of timm\/tiny/,
    })
    await classify(['--model', 'timm/tiny', '--revision', 'v1', coffee], { env })
    expect(server.requests.map(({ path }) => path)).toContain('/timm/tiny/resolve/v1/config.json')
    const alone = await classify(['--revision', 'v1', coffee], { env })
    expectEnd(alone, { code: 2, stderr: /^error: Expected a --model beside it for --revision but received 'v1'\n$/ })
  })

  test('that is nowhere is said with what to do', async () => {
    // Only the weights are missed: libtorch is found by its path.
    const { libtorch } = await import('../../lib/core/libtorch.js')
    const env = { ...nowhere(), XDG_CACHE_HOME: temporaryFolder(), NODE_LIBTORCH_PATH: libtorch.find().path }
    const result = await classify([coffee], { env })
    expectEnd(result, { code: 1, stderr: /^error: .*npx node-libtorch pull timm\/resnet18\.a1_in1k.*--model\n$/ })
    expect(result.stdout).toBe('')
    expectEnd(await classify(['--model', '/none.pt', coffee], { env }), { code: 1, stderr: /^error: .*none\.pt/ })
  })
})

test.each<[string[], RegExp]>([
  [[], /missing required argument 'files'/],
  [['--nonsense', 'x'], /unknown option '--nonsense'/],
  [['--top', '0', 'x'], /'--top <number>' argument '0' is invalid/],
  [['--batch', '5000', 'x'], /from 1 to 4096/],
  [['--json', '--csv', 'x'], /cannot be used with/],
  [['--model', '', 'x'], /^error: Expected a path, .* for source but received ''/],
])('%j is refused with exit status 2', async (args, message) => {
  const { code, stdout, stderr } = await classify(args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(message)
})

test('--help shows examples', async () => {
  const { code, stdout, stderr } = await classify(['--help'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('Examples:\n  $ npx node-libtorch classify holiday.jpg\n')
})

test.each([
  ['stdout', '"$0" "$1" classify --model "$2" "$3" "$3" "$3" | true'],
  ['stderr', '{ "$0" "$1" classify --model "$2" /none.png /none.png 2>&1 >&3 | true; } 3>&1'],
])('a reader of %s that leaves early is no failure', (_, pipe) => {
  const { folder, model } = place(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${i}.png`, 'red'])))
  const args = ['-o', 'pipefail', '-c', pipe, process.execPath, cliProgram, model, folder]
  const { status, stderr } = spawnSync('bash', args)
  expect(String(stderr)).toBe('')
  expect([0, 1]).toContain(status) // 1 where all was written before the reader had left
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends it with %i, and what was written is whole', async (signal, status) => {
  const { folder, model } = place({ 'a.png': 'red' })
  const args = [cliProgram, 'classify', '--json', '--top', '1', '--batch', '1', '--model', model, '-']
  const child = spawn(process.execPath, args)
  let stdout = ''
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  for (let i = 0; i < 20; i++) child.stdin.write(`${folder}/a.png\n`)
  child.stdout.on('data', (chunk) => {
    if (!stdout.includes('red') && String(chunk).includes('red')) child.kill(signal) // stdin stays open
    stdout += chunk
  })
  const [code] = await once(child, 'close')
  expect({ code, stderr }).toEqual({ code: status, stderr: 'interrupted\n' })
  const rows: Row[] = JSON.parse(stdout)
  expect(rows.pop()).toEqual({ error: { code: 'ERR_TORCH_ABORTED', message: 'interrupted' } })
  expect(rows.length).toBeGreaterThan(0)
  for (const { predictions } of rows) expect(predictions?.[0]?.label).toBe('red')
})

test('on a terminal there is a bar, and errors stand above it', async () => {
  const { folder, model } = place({ 'a.png': 'red', 'b.png': new Uint8Array(0), 'c.png': 'green' })
  const out = join(folder, 'out.csv')
  const shell = `"$0" "$1" classify --csv --top 1 --batch 1 --model "$2" "$3" > "$3/out.csv"`
  const spawnInTerminal = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))'
  const args = ['-c', spawnInTerminal, 'sh', '-c', shell, process.execPath, cliProgram, model, folder]
  const { status, stdout } = spawnSync(oraclePython, args, { input: '' })
  expect(status).toBe(1)
  const terminal = String(stdout)
  expect(terminal).toContain('classifying [')
  expect(terminal).toMatch(/3 of 3 images/)
  expect(terminal).toMatch(/error: .*b\.png' is empty\r\n/)
  expect(terminal.lastIndexOf('\u001b[?25h')).toBeGreaterThan(terminal.lastIndexOf('\u001b[?25l')) // the cursor is back
  expect(readFileSync(out, 'utf8').split('\r\n')).toHaveLength(4)
})

test('thousands of images need no more memory than hundreds', async () => {
  const { folder, model } = place({ 'a.png': 'red' })
  const report = writeFile(
    join(folder, 'report.cjs'),
    "process.on('exit', () => process._rawDebug(String(process.resourceUsage().maxRSS)))",
  )
  const peak = (count: number) => {
    const input = `${folder}/a.png\n`.repeat(count)
    // V8 of newer majors lets garbage grow by 100 MB before it looks: here it may not.
    const flags = ['--max-semi-space-size=1', '--require', report]
    const args = [...flags, cliProgram, 'classify', '--csv', '--top=1', '--batch=32', '--model', model, '-']
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { input, maxBuffer: 1e8 })
    expect(status).toBe(0)
    expect(String(stdout).split('\r\n')).toHaveLength(count + 2)
    return Number(String(stderr))
  }
  expect(peak(1500) / peak(300)).toBeLessThan(1.2)
})
