// On file systems without links: what elsewhere is one is a copy (in snapshots) or a folder (as a lock).
import { randomBytes } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { withFileLock, withFreeLock } from '../../lib/io/file-lock.js'
import { runScript, startCli } from '../support/child-script.js'
import type { HubContent } from '../support/fake-hub.js'
import { hubForEachTest } from '../support/hub-environment.js'
import { filesIn } from '../support/install-environment.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { linklessDisk } from '../support/linkless-disk.js'
import { repositoryRoot } from '../support/source-files.js'

const lockModule = JSON.stringify(pathToFileURL(join(repositoryRoot, 'dist', 'io', 'file-lock.js')).href)

/** Adds to a number in a file, again and again at the same time, with time for others to do so meanwhile. */
const countingScript = (path: string, file: string, times: number) => `
  import { readFileSync, writeFileSync } from 'node:fs'
  import { setTimeout as sleep } from 'node:timers/promises'
  import { withFileLock } from ${lockModule}
  const count = async () => {
    const before = Number(readFileSync(${JSON.stringify(file)}, 'utf8'))
    await sleep(3)
    writeFileSync(${JSON.stringify(file)}, String(before + 1))
  }
  await Promise.all(Array.from({ length: ${times} }, () => withFileLock(${JSON.stringify(path)}, {}, count)))`

const holdForever = (path: string) => `
  import { withFileLock } from ${lockModule}
  await withFileLock(${JSON.stringify(path)}, {}, () => new Promise(() => { console.log('held'); setInterval(() => {}, 1000) }))`

function scene() {
  const folder = temporaryFolder()
  const [path, counter] = [join(folder, 'lock'), join(folder, 'count')]
  writeFileSync(counter, '0')
  return { folder, path, counter, env: linklessDisk() }
}

test('a lock is held by one at a time, of processes that know no links and of one that does', async () => {
  const { folder, path, counter, env } = scene()
  const run = (variables: object) => runScript(countingScript(path, counter, 8), { env: { ...variables } })
  const ended = await Promise.all([env, env, env, {}].map(run))
  expect(ended.map(({ stderr }) => stderr)).toEqual(['', '', '', ''])
  expect(readFileSync(counter, 'utf8')).toBe('32')
  expect(readdirSync(folder)).toEqual(['count'])
})

test('the lock of a killed process says whose it was, and is taken over at once by one of many', async () => {
  const { folder, path, counter, env } = scene()
  const { signal } = await runScript(holdForever(path), { env, kill: { signal: 'SIGKILL', when: 'held' } })
  expect(signal).toBe('SIGKILL')
  expect([lstatSync(path).isDirectory(), readdirSync(folder)]).toEqual([true, ['count', 'lock']])
  expect(JSON.parse(readFileSync(join(path, 'owner'), 'utf8'))).toMatchObject({ pid: expect.any(Number) })
  const { stderr } = await runScript(countingScript(path, counter, 6), { env, timeoutMilliseconds: 10_000 })
  expect([stderr, readFileSync(counter, 'utf8'), readdirSync(folder)]).toEqual(['', '6', ['count']])
})

/** A lock as such a process makes it, that says what a lock of this process says but for `changes`. */
async function folderLock(path: string, changes: object): Promise<void> {
  let owner = {}
  await withFileLock(path, {}, async () => {
    owner = JSON.parse(readlinkSync(path))
  })
  mkdirSync(path)
  writeFileSync(join(path, 'owner'), JSON.stringify({ ...owner, ...changes }))
}

test('where there are links, such a lock of a living process is respected, and one of a process that is gone is not', async () => {
  const path = join(temporaryFolder(), 'lock')
  await folderLock(path, { token: 'living' })
  expect(await withFreeLock(path, async () => 'worked')).toBeUndefined()
  const gone = join(temporaryFolder(), 'lock')
  await folderLock(gone, { token: 'gone', began: '1' })
  await folderLock(`${gone}.gone`, { token: 'other', began: '1' }) // which was killed while it took that one away
  expect(await withFreeLock(gone, async () => 'worked')).toBe('worked')
  expect(readdirSync(join(gone, '..'))).toEqual([])
})

test('drafts of killed processes are removed by the next owner, those of living ones are not', async () => {
  const path = join(temporaryFolder(), 'lock')
  await folderLock(`${path}.killed.draft`, { began: '1' })
  await folderLock(`${path}.living.draft`, {})
  mkdirSync(`${path}.begun.draft`)
  mkdirSync(`${path}.empty.draft`)
  const longAgo = new Date(Date.now() - 60_000)
  utimesSync(`${path}.empty.draft`, longAgo, longAgo)
  await withFileLock(path, {}, async () => {})
  expect(readdirSync(join(path, '..')).sort()).toEqual(['lock.begun.draft', 'lock.living.draft'])
})

test("a folder of somebody's in a lock's place stays, with what is in it", async () => {
  const path = join(temporaryFolder(), 'lock')
  mkdirSync(path)
  writeFileSync(join(path, 'thesis.txt'), 'mine')
  const longAgo = new Date(Date.now() - 60_000)
  utimesSync(path, longAgo, longAgo)
  await expect(withFileLock(path, {}, async () => {})).rejects.toMatchObject({ code: 'ERR_TORCH_DISK' })
  const { env } = scene()
  utimesSync(path, longAgo, longAgo)
  const { stderr } = await runScript(countingScript(path, '/nowhere', 1), { env })
  expect(stderr).toContain('ERR_TORCH_DISK')
  expect(readdirSync(path)).toEqual(['thesis.txt'])
})

test('a file that grows row by row is synced with its folder: one that knows no such thing will do, a broken disk will not', async () => {
  const module = JSON.stringify(pathToFileURL(join(repositoryRoot, 'dist', 'io', 'safetensors-rows.js')).href)
  const target = join(temporaryFolder(), 'rows.safetensors')
  const source = `
    import { SafetensorsRows } from ${module}
    const rows = await SafetensorsRows.create(${JSON.stringify(target)})
    await rows.append(new Map([['a', { shape: [1], values: new Float32Array(1) }]]))
    await rows.finish({})`
  const run = (FOLDER_SYNC_ERRNO: number) =>
    runScript(source, { env: { ...linklessDisk(), FOLDER_SYNC_ERRNO: `${FOLDER_SYNC_ERRNO}` } })
  expect(await run(constants.errno.EINVAL)).toMatchObject({ code: 0, stderr: '' })
  const { code, stderr } = await run(constants.errno.EIO)
  expect(code).toBe(1)
  expect(stderr).toContain('the disk reports an error (EIO)')
})

const weights: HubContent = { name: 'model.safetensors', bytes: randomBytes(300_000), large: true }
const config: HubContent = { name: 'unet/config.json', bytes: Buffer.from('{}'), large: false }
const here = hubForEachTest(weights, config)

test('a repository is pulled: a snapshot holds copies, nothing else is left, and a second pull fetches nothing', async () => {
  const env = { ...here.variables, ...linklessDisk() }
  const pull = () => startCli(['pull', 'timm/tiny'], env).ended
  expect(await pull()).toMatchObject({ code: 0 })
  for (const { name, bytes } of [weights, config]) {
    expect(lstatSync(here.snapshotFile(name)).isFile()).toBe(true)
    expect(readFileSync(here.snapshotFile(name)).equals(bytes)).toBe(true)
  }
  expect(filesIn(join(here.cache, '.locks'))).toEqual([])
  here.server.requests.length = 0
  expect(await pull()).toMatchObject({ code: 0 })
  expect(here.server.requests.map(({ path }) => path)).toEqual(['/api/models/timm/tiny/revision/main'])
})
