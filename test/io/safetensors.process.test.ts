// Safetensors at the end of a process, in workers and under the garbage collector; and mutated files, which must not
// crash the process that reads them.
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import golden from '../golden/safetensors.json' with { type: 'json' }
import { runNode } from '../support/child-script.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { programUrl, repeated, runProgram } from '../support/program.js'
import { repositoryRoot } from '../support/source-files.js'

const distFile = (name: string) => JSON.stringify(pathToFileURL(join(repositoryRoot, 'dist', 'io', name)).href)
const start = (folder: string) => `
import { Safetensors } from ${distFile('safetensors.js')}
import { writeSafetensors } from ${distFile('safetensors-write.js')}
const path = ${JSON.stringify(join(folder, 'a.safetensors'))}
const large = () => Tensor.from(new Float32Array(5_000_000).fill(0.5))
await writeSafetensors(path, { x: large(), y: Tensor.from([1, 2]) })
`

describe('a process', repeated, () => {
  test.each([[true], [false]])('ends by itself without a dispose, mmap: %s', async (mmap) => {
    const lines = await runProgram(`${start(temporaryFolder())}
      const file = await Safetensors.open(path, { mmap: ${mmap} })
      print((await file.tensors()).size)`)
    expect(lines).toEqual([2])
  })

  test('ends by process.exit while it reads and writes, and no half file has the name', async () => {
    const folder = temporaryFolder()
    await runProgram(
      `${start(folder)}
      const file = await Safetensors.open(path)
      for (let i = 0; i < 20; i++) file.tensors()
      writeSafetensors(path + '.second', { x: large() })
      setTimeout(() => process.exit(17), 5)`,
      { code: 17 },
    )
    const named = readdirSync(folder).filter((name) => !name.endsWith('.partial'))
    expect(named).toContain('a.safetensors')
    for (const name of named) expect(statSync(join(folder, name)).size).toBeGreaterThan(20_000_000)
  })

  test('collects what was forgotten: files are closed and unmapped', async () => {
    const lines = await runProgram(
      `${start(temporaryFolder())}
      import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
      const mappings = () => readFileSync('/proc/self/maps', 'utf8').split('\\n').filter((line) => line.includes(path))
      const linkOf = (name) => { try { return readlinkSync('/proc/self/fd/' + name) } catch { return '' } }
      const descriptors = () => readdirSync('/proc/self/fd').filter((name) => linkOf(name) === path)
      const held = () => [mappings().length, descriptors().length]
      const forget = async () => void (await (await Safetensors.open(path, { mmap: true })).tensors())
      const before = held()
      const file = await Safetensors.open(path, { mmap: true })
      print([before, held()])
      for (let i = 0; i < 20; i++) await forget()
      for (let i = 0; i < 200 && held().join() !== '1,1'; i++) { gc(); await sleep(5) }
      print(held())
      file.dispose()
      for (let i = 0; i < 200 && held().join() !== '0,0'; i++) await sleep(5)
      print(held())`,
      { flags: ['--expose-gc'] },
    )
    expect(lines).toEqual([
      [
        [0, 0],
        [1, 1],
      ],
      [1, 1],
      [0, 0],
    ])
  })

  test('goes on when a worker is terminated while it reads', async () => {
    const lines = await runProgram(`${start(temporaryFolder())}
      import { Worker } from 'node:worker_threads'
      import { once } from 'node:events'
      const source = \`
        import { parentPort } from 'node:worker_threads'
        import { Safetensors } from ${distFile('safetensors.js')}
        const file = await Safetensors.open(\${JSON.stringify(path)}, { mmap: false })
        parentPort.postMessage('reading')
        for (;;) await file.tensors()
      \`
      for (let i = 0; i < 5; i++) {
        const url = new URL('data:text/javascript,' + encodeURIComponent(source))
        const worker = new Worker(url, { execArgv: [] })
        await once(worker, 'message')
        await sleep(5 * i)
        await worker.terminate()
      }
      print(await (await (await Safetensors.open(path)).tensor('y')).toArray())`)
    expect(lines).toEqual([[1, 2]])
  })
})

test('a disk that takes no more is a typed error and leaves the old file alone', async () => {
  const folder = temporaryFolder()
  const program = `import { print, Tensor } from ${JSON.stringify(programUrl('prelude.mjs'))}
    ${start(folder)}
    print((await writeSafetensors(path, { x: large(), y: large() }).catch((error) => error)).code)
    print((await Safetensors.open(path)).keys())`
  // 30 MB per file: the first one fits, the second does not.
  const shell = 'ulimit -f 30000 && exec "$0" --input-type=module --eval "$1"'
  const { stdout } = await promisify(execFile)('bash', ['-c', shell, process.execPath, program])
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual(['ERR_TORCH_DISK', ['x', 'y']])
  expect(readdirSync(folder)).toEqual(['a.safetensors'])
})

test('a mutated file is read or is a typed error, and never crashes', { timeout: 1_200_000 }, async () => {
  const cases = process.env.FULL === '1' ? 100_000 : 5_000
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'originals'))
  const files = golden.files.map(({ hex }, i) => {
    const path = join(folder, 'originals', `${i}.safetensors`)
    writeFileSync(path, Buffer.from(hex, 'hex'))
    return path
  })
  await scope(async () => {
    await writeSafetensors(join(folder, 'one.safetensors'), { a: Tensor.from([1]), b: Tensor.from([2]) })
    await writeSafetensors(join(folder, 'two.safetensors'), { c: Tensor.from([3]) })
  })
  const weight_map = { a: 'one.safetensors', b: 'one.safetensors', c: 'two.safetensors' }
  const index = join(folder, 'originals', 'model.safetensors.index.json')
  writeFileSync(index, JSON.stringify({ metadata: { total_size: 12 }, weight_map }))
  const seed = process.env.FUZZ_SEED ?? '1'
  const program = join(repositoryRoot, 'test', 'support', 'programs', 'mutate-safetensors.mjs')
  const limits = { timeoutMilliseconds: 1_200_000 }
  const { code, signal, stdout, stderr } = await runNode(
    [program, folder, String(cases), seed, ...files, index],
    limits,
  )
  const lines = stdout.trimEnd().split('\n')
  expect({ code, signal }, `after ${lines.at(-1)}: ${stderr}`).toEqual({ code: 0, signal: null })
  const { read, codes, indexCodes, untyped } = JSON.parse(lines.at(-1) ?? '')
  expect(untyped).toEqual([])
  const ofFiles = ['ERR_TORCH_FILE_FORMAT', 'ERR_TORCH_DTYPE', 'ERR_TORCH_SHAPE'] // the second for F6, the last for odd F4
  const ofIndices = ['ERR_TORCH_FILE_FORMAT', 'ERR_TORCH_DISK'] // the last for a file that is not there
  expect(Object.keys(codes).filter((name) => !ofFiles.includes(name))).toEqual([])
  expect(Object.keys(indexCodes).filter((name) => !ofIndices.includes(name))).toEqual([])
  expect(codes.ERR_TORCH_FILE_FORMAT).toBeGreaterThan(cases / 2)
  expect(read).toBeGreaterThan(cases / 10)
})
