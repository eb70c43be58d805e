import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { memory } from '../../lib/core/device.js'
import { Module } from '../../lib/core/module.js'
import { ops } from '../../lib/core/ops.js'
import { scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import { type ChildResult, runNode } from '../support/child-script.js'
import { netArchive, valuesArchive } from '../support/golden-modules.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { repositoryRoot } from '../support/source-files.js'

expectNoLeaks()

const archive = readFileSync(netArchive)
const sha256 = '0'.repeat(64)

async function expectNoModule(source: string | URL | Uint8Array, code = 'ERR_TORCH_MODULE_LOAD'): Promise<string> {
  const error = await Module.load(source).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code, operation: 'Module.load' })
  expect((error as Error).message).not.toMatch(/frame #|0x[0-9a-f]{6}|\.cpp:\d/)
  return (error as Error).message
}

describe('what is no archive is a typed error, as a file and as bytes:', () => {
  /** With one file named 'a'. */
  const zip =
    '504b03041400000000000000210086a610360500000005000000010000006168656c6c6f504b010214031400000000000000' +
    '210086a61036050000000500000001000000000000000000000080010000000061504b050600000000010001002f00000024' +
    '0000000000'

  test.each<[string, Uint8Array]>([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from('P')],
    ['text', Buffer.from('def forward(self, x):\n    return x\n'.repeat(100))],
    ['zeros', Buffer.alloc(10_000)],
    ['a PNG', Buffer.from(`89504e470d0a1a0a0000000d49484452${'00'.repeat(500)}`, 'hex')],
    ['a pickle', Buffer.from('80024b2a2e', 'hex')],
    ['an ELF library', readFileSync(process.execPath).subarray(0, 20_000)],
    ['the end of an empty zip', Buffer.from(`504b0506${'00'.repeat(18)}`, 'hex')],
    ['a zip without a model', Buffer.from(zip, 'hex')],
  ])('%s', async (what, bytes) => {
    const path = join(temporaryFolder(), 'model.pt')
    writeFileSync(path, bytes)
    const messages = [await expectNoModule(bytes), await expectNoModule(path)]
    const isZip = what === 'nothing' || what === 'a zip without a model'
    if (isZip) return
    const message = (place: string) =>
      `Expected a TorchScript archive but ${place} cannot be one: a zip file begins otherwise`
    expect(messages).toEqual([message('the bytes'), message(`'${path}'`)])
  })
})

test('an archive that ends early is a typed error, wherever it ends', async () => {
  const path = join(temporaryFolder(), 'model.pt')
  for (let part = 0; part < 16; part++) {
    const truncated = archive.subarray(0, Math.floor((archive.length * part) / 16))
    await expectNoModule(truncated)
    writeFileSync(path, truncated)
    await expectNoModule(path)
  }
  for (const missing of [1, 2, 21, 22, 23]) await expectNoModule(archive.subarray(0, archive.length - missing))
})

test('an archive with bytes before, after or in the place of its own does not crash', async () => {
  const strange = [
    Buffer.concat([Buffer.from('junk'), archive]),
    Buffer.concat([archive, Buffer.from('junk')]),
    Buffer.concat([archive, archive]),
    Buffer.concat([archive.subarray(0, 4000), Buffer.alloc(100), archive.subarray(4100)]),
  ]
  for (const bytes of strange) {
    await scope(async () => {
      const loaded = await Module.load(bytes).catch((error: unknown) => error)
      if (!(loaded instanceof Module)) expect(loaded).toMatchObject({ code: 'ERR_TORCH_MODULE_LOAD' })
    })
  }
})

describe('with single bits flipped an archive loads or is a typed error, and never crashes', () => {
  const flips = process.env.FULL === '1' ? 4000 : 250
  const program = join(repositoryRoot, 'test', 'support', 'programs', 'flip-bits.mjs')

  function expectNoCrash({ code, signal, stdout, stderr }: ChildResult): {
    loaded: number
    codes: Record<string, number>
  } {
    const lines = stdout.trimEnd().split('\n')
    expect({ code, signal }, `after ${lines.at(-1)}: ${stderr}`).toEqual({ code: 0, signal: null })
    const { untyped, ...counts } = JSON.parse(lines.at(-1) ?? '')
    expect(untyped).toEqual([])
    return counts
  }

  test.each([
    [netArchive, 1],
    [valuesArchive, 2],
  ])('%s', { timeout: 600_000 }, async (file, seed) => {
    const result = await runNode([program, file, String(flips), String(seed)], { timeoutMilliseconds: 600_000 })
    const { loaded, codes } = expectNoCrash(result)
    expect(loaded).toBeGreaterThan(0)
    expect(codes.ERR_TORCH_MODULE_LOAD).toBeGreaterThan(flips / 10)
    const known = ['LOAD', 'RUN'].map((name) => `ERR_TORCH_MODULE_${name}`)
    known.push('ERR_TORCH_INVALID_ARGUMENT', 'ERR_TORCH_OUT_OF_MEMORY') // a size may have become huge
    expect(Object.keys(codes).filter((code) => !known.includes(code))).toEqual([])
  })
})

describe('a place that holds no file:', () => {
  test('missing, a folder, a device, a broken link, a file as a folder', async () => {
    const folder = temporaryFolder()
    symlinkSync('nowhere', join(folder, 'link'))
    expect(await expectNoModule(join(folder, 'missing.pt'))).toContain('there is no file')
    expect(await expectNoModule(folder)).toContain('is not a regular file')
    await expectNoModule('/dev/zero')
    await expectNoModule(join(folder, 'link'))
    await expectNoModule(join(netArchive, 'x'))
    await expectNoModule(pathToFileURL(join(folder, 'missing.pt')))
    for (const path of [join(folder, 'missing.pt'), folder]) {
      await expect(Module.load(path, { sha256 })).rejects.toMatchObject({ code: 'ERR_TORCH_MODULE_LOAD' })
    }
  })

  test('a path that is too long', async () => {
    await expectNoModule(`/${'x'.repeat(300)}`)
    await expectNoModule('/x'.repeat(10_000))
    await expect(Module.load('/x'.repeat(10_000), { sha256 })).rejects.toMatchObject({ code: 'ERR_TORCH_MODULE_LOAD' })
  })

  test('a path that none can be', async () => {
    for (const path of [
      '',
      'a\0b',
      new URL('file:///a%00b'),
      new URL('file://host/x'),
      new URL('https://example.org/x'),
    ]) {
      await expectNoModule(path, 'ERR_TORCH_INVALID_ARGUMENT')
    }
  })

  scopedTest('a link to an archive is followed, and any name will do', async () => {
    const folder = join(temporaryFolder(), 'mit Leerzeichen und ö')
    mkdirSync(folder)
    symlinkSync(netArchive, join(folder, 'module ü.bin'))
    expect((await Module.load(join(folder, 'module ü.bin'))).methods()).toHaveLength(2)
  })

  test('a file that may not be read', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'secret.pt')
    writeFileSync(path, archive, { mode: 0o000 })
    chmodSync(folder, 0o755)
    // root reads everything: another user must try, so the check runs as nobody
    const script = `
      import { setuid } from 'node:process'
      import { Module } from ${JSON.stringify(pathToFileURL(join(repositoryRoot, 'dist', 'index.js')).href)}
      await Module.fromSource('def forward(self):\\n    return 1\\n')
      if (process.getuid() === 0) setuid(65534)
      for (const options of [{}, { sha256: '${sha256}' }]) {
        await Module.load(${JSON.stringify(path)}, options).catch((error) => console.log(error.code))
      }`
    const { stdout, stderr } = await runNode(['--input-type=module', '--eval', script])
    expect(stdout.trim().split('\n'), stderr).toEqual(['ERR_TORCH_MODULE_LOAD', 'ERR_TORCH_MODULE_LOAD'])
  })
})

describe('modules that', () => {
  scopedTest('ask for more memory than there is: ERR_TORCH_OUT_OF_MEMORY, and the next call works', async () => {
    const module = await Module.fromSource('def forward(self, n: int):\n    return torch.empty(n)\n')
    const failure = { code: 'ERR_TORCH_OUT_OF_MEMORY', retryable: true, name: 'OutOfMemoryError' }
    await expect(module.forward(10 ** 15)).rejects.toMatchObject(failure)
    expect(((await module.forward(3)) as Tensor).shape).toEqual([3])
  })

  scopedTest('mutate their input: the tensor of the caller changes', async () => {
    const module = await Module.fromSource('def forward(self, x):\n    x += 1\n    return x.sum()\n')
    const x = Tensor.from([1, 2])
    await module.forward(x)
    expect(await x.toArray()).toEqual([2, 3])
  })

  scopedTest('return their input: a handle of its own on the same storage', async () => {
    const module = await Module.fromSource('def forward(self, x):\n    return x, x, [x]\n')
    const x = Tensor.from([1, 2])
    const before = memory().bytes.cpu
    const [first, second, [third]] = (await module.forward(x)) as [Tensor, Tensor, [Tensor]]
    expect(memory().bytes.cpu).toBe(before)
    await ops.zero_(x)
    x.dispose()
    first.dispose()
    expect([await second.toArray(), await third.toArray()]).toEqual([
      [0, 0],
      [0, 0],
    ])
  })

  scopedTest('return what JS has no value for', async () => {
    for (const [expression, kind] of [
      ['torch.Generator()', 'Generator'],
      ['complex(1.0, 2.0)', 'ComplexDouble'],
    ] as const) {
      const module = await Module.fromSource(`def forward(self):\n    return ${expression}\n`)
      const message = expect.stringContaining(`as result but received ${kind}`)
      await expect(module.forward()).rejects.toMatchObject({ code: 'ERR_TORCH_MODULE_RUN', message })
    }
    const device = await Module.fromSource('def forward(self):\n    return torch.device("cpu")\n')
    expect(await device.forward()).toBe('cpu')
  })

  scopedTest('recurse without an end do not compile', async () => {
    const source = 'def forward(self, x: int) -> int:\n    return self.forward(x)\n'
    await expect(Module.fromSource(source)).rejects.toMatchObject({ code: 'ERR_TORCH_MODULE_LOAD' })
  })

  scopedTest('raise with a text that looks like a traceback keep it', async () => {
    const module = await Module.fromSource('def forward(self, text: str):\n    assert False, text\n    return 1\n')
    for (const text of ['', 'one: two\nthree: four', 'zwölf 🙂', 'x'.repeat(100_000), '%s%n{}']) {
      await expect(module.forward(text)).rejects.toMatchObject({
        code: 'ERR_TORCH_MODULE_RUN',
        message: `AssertionError: ${text}`.trim(),
      })
    }
  })

  test('print do it on stdout, from a process that ends well', async () => {
    const index = JSON.stringify(pathToFileURL(join(repositoryRoot, 'dist', 'index.js')).href)
    const script = `
      import { Module } from ${index}
      const module = await Module.fromSource('def forward(self):\\n    print("hello", 1)\\n    return 1\\n')
      await module.forward()`
    const { code, stdout } = await runNode(['--input-type=module', '--eval', script])
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'hello 1\n' })
  })
})
