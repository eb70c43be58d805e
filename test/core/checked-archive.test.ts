import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkedArchive } from '../../lib/core/checked-archive.js'
import { Module } from '../../lib/core/module.js'
import { netArchive } from '../support/golden-modules.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'

expectNoLeaks()

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const goOn = () => undefined
/** Slices of several sorts: 3 MiB and a rest. */
const large = Uint8Array.from({ length: 3 * 2 ** 20 + 5 }, (_, i) => i * 7)

test.each([0, 1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, large.length])('%i bytes are checked whole', async (length) => {
  const bytes = large.slice(0, length)
  const path = join(temporaryFolder(), 'archive')
  writeFileSync(path, bytes)
  for (const source of [bytes, path]) {
    expect(Buffer.compare(await checkedArchive(source, sha256(bytes), goOn), bytes)).toBe(0)
    const other = sha256(Uint8Array.of(1, 2, 3))
    await expect(checkedArchive(source, other, goOn)).rejects.toMatchObject({ details: { sha256: sha256(bytes) } })
  }
})

test('the event loop turns meanwhile', async () => {
  const path = join(temporaryFolder(), 'archive')
  writeFileSync(path, '')
  truncateSync(path, 64 * 2 ** 20)
  for (const source of [path, new Uint8Array(64 * 2 ** 20)]) {
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    await checkedArchive(source, sha256(new Uint8Array(64 * 2 ** 20)), goOn)
    clearInterval(timer)
    expect(turns).toBeGreaterThan(5)
  }
})

test('a file beyond 2 GiB can be read', async () => {
  const path = join(temporaryFolder(), 'archive')
  writeFileSync(path, '')
  truncateSync(path, 2 ** 31 + 2 ** 20) // all holes
  const enough = new Error('enough')
  let slices = 0
  const stopped = () => {
    if (++slices > 3) throw enough
  }
  await expect(checkedArchive(path, sha256(large), stopped)).rejects.toBe(enough)
})

test('what is no file does not block', async () => {
  const folder = temporaryFolder()
  execFileSync('mkfifo', [join(folder, 'pipe')])
  for (const path of [join(folder, 'pipe'), '/dev/zero', folder]) {
    await expect(checkedArchive(path, sha256(large), goOn)).rejects.toMatchObject({ code: 'ERR_TORCH_MODULE_LOAD' })
  }
})

scopedTest('a SharedArrayBuffer that another thread writes to is loaded as it was checked', async () => {
  const bytes = readFileSync(netArchive)
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  const loading = Module.load(shared, { sha256: sha256(bytes) })
  shared.fill(0)
  expect((await loading).methods()).toHaveLength(2)
})

scopedTest('a relative path is that of the working directory at the time of the call', async () => {
  const folder = temporaryFolder()
  const program = `
    import { Module } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
    process.chdir(${JSON.stringify(folder)})
    const module = await Module.fromSource('def forward(self):\\n    return 1\\n')
    const saving = module.save('here.pt')
    process.chdir('/')
    await saving
    process.chdir(${JSON.stringify(folder)})
    const wrong = { sha256: '0'.repeat(64) }
    const loading = [Module.load('here.pt'), Module.load('./here.pt', wrong).catch((error) => error)]
    process.chdir('/')
    console.log((await loading[0]).methods().length, (await loading[1]).message)`
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' })
  expect(printed).toMatch(/^1 Expected an archive with the SHA-256 0+ but received [0-9a-f]{64}\n$/)
})
