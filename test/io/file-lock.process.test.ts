import {
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { withFileLock, withFreeLock } from '../../lib/io/file-lock.js'
import { runScript } from '../support/child-script.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { repositoryRoot } from '../support/source-files.js'

const lockModule = JSON.stringify(pathToFileURL(join(repositoryRoot, 'dist', 'io', 'file-lock.js')).href)

test('one at a time, and no file is left', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'lock')
  let running = 0
  let most = 0
  const waits: number[] = []
  const work = async () => {
    most = Math.max(most, ++running)
    await sleep(20)
    running--
  }
  const onWait = (pid: number) => waits.push(pid)
  await Promise.all(Array.from({ length: 5 }, () => withFileLock(path, { onWait }, work)))
  expect(most).toBe(1)
  expect(waits).toEqual(Array(4).fill(process.pid))
  expect(readdirSync(folder)).toEqual([])
})

test('the lock is given back when the work throws', async () => {
  const folder = temporaryFolder()
  const error = new Error('no')
  await expect(withFileLock(join(folder, 'lock'), {}, () => Promise.reject(error))).rejects.toBe(error)
  expect(readdirSync(folder)).toEqual([])
})

test('waiting can be aborted', async () => {
  const path = join(temporaryFolder(), 'lock')
  const controller = new AbortController()
  await withFileLock(path, {}, async () => {
    const options = { signal: controller.signal, onWait: () => controller.abort('enough') }
    await expect(withFileLock(path, options, async () => {})).rejects.toBe('enough')
  })
})

const holdForever = (path: string) =>
  `import { withFileLock } from ${lockModule}
  await withFileLock(${JSON.stringify(path)}, {}, () => new Promise(() => { console.log('held'); setInterval(() => {}, 1000) }))`

test('the lock of a killed process is taken over at once, by one of many', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'lock')
  const { signal } = await runScript(holdForever(path), { kill: { signal: 'SIGKILL', when: 'held' } })
  expect(signal).toBe('SIGKILL')
  expect(readdirSync(folder)).toEqual(['lock'])
  const counter = join(folder, 'count')
  writeFileSync(counter, '0')
  const count = async () => {
    const before = Number(readFileSync(counter, 'utf8'))
    await sleep(5)
    writeFileSync(counter, String(before + 1))
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: 8 }, () => withFileLock(path, {}, count)))
  expect(readFileSync(counter, 'utf8')).toBe('8')
  expect(performance.now() - start).toBeLessThan(10_000)
  expect(readdirSync(folder)).toEqual(['count'])
})

/** What a process of another machine wrote. */
const elsewhere = JSON.stringify({ token: 'x', pid: 1, began: '1', place: 'elsewhere' })

test.each<[string, (path: string) => void]>([
  ['of another machine that fell silent', (path) => symlinkSync(elsewhere, path)],
  ['that is a link to something else', (path) => symlinkSync('/nowhere', path)],
  ['that is a file', (path) => writeFileSync(path, '{"tok')],
])('a lock %s is taken over, and a fresh one is not', async (_, make) => {
  const path = join(temporaryFolder(), 'lock')
  make(path)
  const controller = new AbortController()
  const waiting = withFileLock(path, { signal: controller.signal }, async () => 'taken')
  await sleep(500)
  controller.abort('still held')
  await expect(waiting).rejects.toBe('still held')
  const longAgo = new Date(Date.now() - 60_000)
  lutimesSync(path, longAgo, longAgo)
  expect(await withFileLock(path, {}, async () => 'taken')).toBe('taken')
})

/** A lock of a process that is gone, and what a lock of this one says. */
async function staleLock() {
  const folder = temporaryFolder()
  const path = join(folder, 'lock')
  const living = JSON.parse(await withFileLock(path, {}, async () => readlinkSync(path)))
  const owner = (token: string, changes = {}) => JSON.stringify({ ...living, token, ...changes })
  const gone = { began: '1' }
  symlinkSync(owner('stale', gone), path)
  return { folder, path, owner, gone }
}

test('a stale lock is taken away by one process at a time: the others wait until that has done it', async () => {
  const { folder, path, owner } = await staleLock()
  symlinkSync(owner('other'), `${path}.stale`) // a living process is about to
  expect(await withFreeLock(path, async () => 'worked')).toBeUndefined()
  const controller = new AbortController()
  const waiting = withFileLock(path, { signal: controller.signal }, async () => 'worked')
  await sleep(300)
  controller.abort('still there')
  await expect(waiting).rejects.toBe('still there')
  expect(readdirSync(folder)).toEqual(['lock', 'lock.stale'])
  rmSync(`${path}.stale`)
  expect(await withFreeLock(path, async () => 'worked')).toBe('worked')
  expect(readdirSync(folder)).toEqual([])
})

test('who was killed while it took a stale lock away is followed, however many were', async () => {
  const { folder, path, owner, gone } = await staleLock()
  symlinkSync(owner('first', gone), `${path}.stale`)
  symlinkSync(owner('second', gone), `${path}.first`)
  expect(await withFreeLock(path, async () => 'worked')).toBe('worked')
  expect(readdirSync(folder)).toEqual([])
})

test('claims of a killed process are removed by the next owner, those of a living one are not', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'lock')
  const living = await withFileLock(path, {}, async () => readlinkSync(path))
  symlinkSync(living, `${path}.living`)
  symlinkSync(JSON.stringify({ ...JSON.parse(living), began: '1' }), `${path}.killed`)
  symlinkSync(elsewhere, `${path}.elsewhere`)
  await withFileLock(path, {}, async () => {})
  expect(readdirSync(folder).sort()).toEqual(['lock.elsewhere', 'lock.living'])
})

test('a lock is not kept where clearing up fails', async () => {
  const path = join(temporaryFolder(), 'lock')
  mkdirSync(join(`${path}.folder`, 'full'), { recursive: true }) // not of ours, so that it stays
  const longAgo = new Date(Date.now() - 60_000)
  utimesSync(`${path}.folder`, longAgo, longAgo)
  const ended = withFileLock(path, {}, async () => 'worked')
  await expect(ended).rejects.toMatchObject({ code: 'ERR_TORCH_DISK', message: expect.stringContaining('ENOTEMPTY') })
  expect(readdirSync(join(path, '..'))).toEqual(['lock.folder'])
})

test('an owner that works for long shows that it lives', async () => {
  const path = join(temporaryFolder(), 'lock')
  await withFileLock(path, {}, async () => {
    const longAgo = new Date(Date.now() - 25_000)
    lutimesSync(path, longAgo, longAgo)
    await expect.poll(() => Date.now() - lstatSync(path).mtimeMs, { timeout: 5000 }).toBeLessThan(10_000)
  })
})

test('who lost the lock while it was stopped is told, and does not remove the lock of the other', async () => {
  const path = join(temporaryFolder(), 'lock')
  const other = JSON.stringify({ token: 'other', pid: process.pid, began: '', place: 'elsewhere' })
  const work = withFileLock(path, {}, async (lost) => {
    rmSync(path)
    symlinkSync(other, path)
    await new Promise((resolve) => lost.addEventListener('abort', resolve))
    return lost.reason
  })
  expect(await work).toMatchObject({ code: 'ERR_TORCH_DOWNLOAD' })
  expect(readlinkSync(path)).toBe(other)
})
