import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { TorchError } from '../../lib/core/errors.js'
import { type Download, downloadFile } from '../../lib/io/download.js'
import { connectionFailure, createHttpClient } from '../../lib/io/http-client.js'
import { isTransient } from '../../lib/io/retry.js'
import { etagOf, type FakeIndex, sendWheel, startFakeIndex } from '../support/fake-index.js'
import { type FakeWheel, fakeTorch, sha256 } from '../support/fake-wheel.js'
import { answerStatus } from '../support/http-answers.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { failure } from '../support/typed-failure.js'

const wheel = fakeTorch({ version: '9.9.0' })
const half = Math.floor(wheel.bytes.length / 2)

beforeEach(() => {
  for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy']) vi.stubEnv(name, undefined)
  return () => vi.unstubAllEnvs()
})

interface Setting {
  index: FakeIndex
  target: string
  partial: string
  download(changes?: Partial<Download>): Promise<void>
}

async function setting(served: FakeWheel = wheel): Promise<Setting> {
  const index = await startFakeIndex(served)
  const client = await createHttpClient({ timeoutSeconds: 1 })
  onTestFinished(() => client.close())
  const target = join(temporaryFolder(), 'deep', 'folder', served.file)
  const retry = { retries: 3, delaySeconds: 0.01 }
  const url = `${index.origin}/files/${served.file}`
  const download = (changes = {}) => downloadFile({ client, url, target, sha256: served.sha256, retry, ...changes })
  return { index, target, partial: `${target}.partial`, download }
}

/** The first `count` answers break off after half of the body. */
function breakOff(index: FakeIndex, count: number, headers: Record<string, string | number> = {}): void {
  let left = count
  index.respond = (request, response, served) => {
    if (served === undefined || left-- <= 0) return false
    if (request.headers.range !== undefined) return false
    response.writeHead(200, { etag: etagOf(served), 'content-length': served.bytes.length, ...headers })
    response.write(served.bytes.subarray(0, half), () => response.destroy())
    return true
  }
}

const expectWhole = (path: string) => expect(sha256(readFileSync(path))).toBe(wheel.sha256)

test('a file arrives whole, under its name only, with progress up to its size', async () => {
  const { target, partial, download } = await setting()
  const progress: number[] = []
  await download({ onProgress: (received: number) => progress.push(received) })
  expectWhole(target)
  expect([existsSync(partial), existsSync(`${partial}.json`)]).toEqual([false, false])
  expect(progress.at(-1)).toBe(wheel.bytes.length)
  expect(progress).toEqual(progress.toSorted((a, b) => a - b))
})

test('a body that breaks off is continued where it ended', async () => {
  const { index, target, download } = await setting()
  breakOff(index, 1)
  await download()
  expectWhole(target)
  expect(index.requests.map(({ range }) => range)).toEqual([undefined, `bytes=${half}-`])
})

test('a body that breaks off again and again makes progress and is no failure', async () => {
  const large = fakeTorch({ version: '9.9.1', size: 3_000_000 })
  const { index, target, download } = await setting(large)
  const step = Math.ceil(large.bytes.length / 12)
  index.respond = (request, response, served) => {
    if (served === undefined) return false
    const start = Number(/\d+/.exec(request.headers.range ?? '0'))
    const total = served.bytes.length
    const range = { 'content-range': `bytes ${start}-${total - 1}/${total}`, 'content-length': total - start }
    response.writeHead(start === 0 ? 200 : 206, { etag: etagOf(served), ...range })
    const part = served.bytes.subarray(start, start + step)
    response.write(part, () => (start + step >= total ? response.end() : response.destroy()))
    return true
  }
  await download({ retry: { retries: 1, delaySeconds: 0 } })
  expect(sha256(readFileSync(target))).toBe(large.sha256)
  expect(index.requests.length).toBeGreaterThanOrEqual(12)
})

test('a later call continues what an earlier one left', async () => {
  const { index, target, partial, download } = await setting()
  breakOff(index, 99)
  const error = await failure(download({ retry: { retries: 0, delaySeconds: 0 } }))
  expect(error).toMatchObject({ code: 'ERR_TORCH_DOWNLOAD', retryable: true })
  expect(readFileSync(partial).length).toBe(half)
  index.respond = () => false
  await download()
  expectWhole(target)
  expect(index.requests.at(-1)?.range).toBe(`bytes=${half}-`)
})

test('what is left of another file on the server is not continued', async () => {
  const { index, target, partial, download } = await setting()
  await download()
  writeFileSync(partial, 'x'.repeat(1000))
  writeFileSync(`${partial}.json`, JSON.stringify({ validator: '"another"', total: 5000 }))
  await download()
  expectWhole(target)
  expect(index.requests.at(-1)?.range).toBe('bytes=1000-') // If-Range made the answer a 200
})

test('a wrong beginning that passes for the right one is found by the SHA-256 and fetched again', async () => {
  const { index, target, partial, download } = await setting()
  await download()
  const origin = { validator: etagOf(wheel), total: wheel.bytes.length }
  writeFileSync(partial, 'x'.repeat(1000))
  writeFileSync(`${partial}.json`, JSON.stringify(origin))
  await download()
  expectWhole(target)
  expect(index.requests.slice(-2).map(({ range }) => range)).toEqual(['bytes=1000-', undefined])
})

test('a beginning without a known origin is not used', async () => {
  const { index, target, partial, download } = await setting()
  await download()
  writeFileSync(partial, wheel.bytes.subarray(0, 1000))
  writeFileSync(`${partial}.json`, '{"validat')
  await download()
  expectWhole(target)
  expect(index.requests.at(-1)?.range).toBeUndefined()
})

test.each([
  ['416', answerStatus(416)],
  ['a 206 of another place', answerStatus(206, { 'content-range': 'bytes 5-9/100', 'content-length': 2 })],
  ['a 206 without a place', answerStatus(206)],
])('%s as the answer to a range begins anew', async (_, respond) => {
  const { index, target, download } = await setting()
  breakOff(index, 1)
  const first = index.respond
  index.respond = (request, response, served) =>
    request.headers.range === undefined ? first(request, response, served) : respond(request, response)
  await download()
  expectWhole(target)
})

test('a host that no network knows is final, a broken connection is not', () => {
  const unknown = Object.assign(new Error('getaddrinfo ENOTFOUND nowhere.invalid'), { code: 'ENOTFOUND' })
  expect(connectionFailure(unknown)).toMatchObject({ code: 'ERR_TORCH_DOWNLOAD', cause: unknown })
  const broken = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  expect([unknown, broken].map((cause) => isTransient(connectionFailure(cause)))).toEqual([false, true])
})

test('wrong bytes are refused, named and not kept', async () => {
  const { target, partial, download } = await setting()
  const wanted = sha256('something else')
  const error = await failure(download({ sha256: wanted }))
  expect(error).toMatchObject({ code: 'ERR_TORCH_CHECKSUM', retryable: false })
  for (const part of [wanted, wheel.sha256, wheel.file]) expect(error.message).toContain(part)
  expect([target, partial, `${partial}.json`].filter(existsSync)).toEqual([])
})

test('a size other than the promised one is refused', async () => {
  const { target, download } = await setting()
  const error = await failure(download({ sha256: undefined, size: wheel.bytes.length + 1 }))
  expect(error.code).toBe('ERR_TORCH_CHECKSUM')
  expect(existsSync(target)).toBe(false)
})

/** A body without end from the place that was asked for; gives how much of it was taken, at most 256 MiB. */
function answerWithoutEnd(index: FakeIndex): () => number {
  let taken = 0
  index.respond = (request, response, served) => {
    if (served === undefined) return false
    const start = /\d+/.exec(request.headers.range ?? '')?.[0]
    const total = served.bytes.length
    const place = start === undefined ? {} : { 'content-range': `bytes ${start}-${total - 1}/${total}` }
    response.writeHead(start === undefined ? 200 : 206, { etag: etagOf(served), ...place })
    const push = () => {
      if (response.destroyed || taken >= 2 ** 28) return
      taken += 2 ** 16
      response.write(Buffer.alloc(2 ** 16), push)
    }
    push()
    return true
  }
  return () => taken
}

test('a body without end is left where the promised size is exceeded', async () => {
  const { index, target, partial, download } = await setting()
  const taken = answerWithoutEnd(index)
  const progress: number[] = []
  const size = wheel.bytes.length
  const onProgress = (received: number) => progress.push(received)
  const error = await failure(download({ sha256: undefined, size, onProgress }))
  expect(error).toMatchObject({ code: 'ERR_TORCH_CHECKSUM' })
  expect(error.message).toMatch(new RegExp(`^Expected ${size} bytes of .* but received more$`))
  expect(taken()).toBeLessThan(2 ** 26)
  expect(Math.max(...progress)).toBeLessThanOrEqual(size)
  expect([target, partial, `${partial}.json`].filter(existsSync)).toEqual([])
})

test('a continuation without end is left where the size of the first answer is exceeded', async () => {
  const { index, target, download } = await setting()
  breakOff(index, 99)
  await failure(download({ sha256: undefined, retry: { retries: 0, delaySeconds: 0 } }))
  const taken = answerWithoutEnd(index)
  const first = index.respond
  index.respond = (request, response, served) =>
    request.headers.range === undefined ? false : first(request, response, served)
  await download({ sha256: undefined })
  expectWhole(target) // begun anew
  expect(taken()).toBeGreaterThan(0)
  expect(taken()).toBeLessThan(2 ** 26)
})

test.each([500, 502, 503, 504, 429, 408])('status %i is tried again', async (code) => {
  const { index, target, download } = await setting()
  const refuse = answerStatus(code, { 'retry-after': '0' })
  index.respond = (request, response) => index.requests.length <= 2 && refuse(request, response)
  const reasons: string[] = []
  await download({ onRetry: (reason: string) => reasons.push(reason) })
  expectWhole(target)
  expect(reasons).toHaveLength(2)
  expect(reasons[0]).toContain(String(code))
})

test('a storm of 503 ends after the last retry, with the status and the number of attempts', async () => {
  const { index, download } = await setting()
  index.respond = answerStatus(503)
  const error = await failure(download())
  expect(error.code).toBe('ERR_TORCH_DOWNLOAD')
  expect(error.message).toMatch(/after 4 attempts .*503/)
  expect(index.requests).toHaveLength(4)
})

test('Retry-After is waited for', async () => {
  const { index, download } = await setting()
  const refuse = answerStatus(503, { 'retry-after': '1' })
  index.respond = (request, response) => index.requests.length === 1 && refuse(request, response)
  const start = performance.now()
  await download()
  expect(performance.now() - start).toBeGreaterThan(950)
})

test('the wait doubles from retry to retry, and up to half of it is left to chance', async () => {
  const { index, download } = await setting()
  index.respond = answerStatus(503)
  const delaySeconds = 1e-6
  const waits: number[] = []
  const onRetry = (_: string, seconds: number) => waits.push(seconds)
  await failure(download({ retry: { retries: 12, delaySeconds }, onRetry }))
  const shares = waits.map((seconds, retry) => seconds / (delaySeconds * 2 ** retry))
  expect(shares).toHaveLength(12)
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(0.5)
  expect(Math.max(...shares)).toBeLessThanOrEqual(1)
  expect(Math.max(...shares) - Math.min(...shares)).toBeGreaterThan(0.01)
})

test.each([
  ['30 seconds', 1000, {}, [15, 30]],
  ['two minutes where the server asks for more', 0, { 'retry-after': '86400' }, [120, 120]],
] as const)('no wait is longer than %s', async (_, delaySeconds, headers, [least, most]) => {
  const { index, download } = await setting()
  index.respond = answerStatus(503, headers)
  const controller = new AbortController()
  const onRetry = (_reason: string, seconds: number) => controller.abort(seconds)
  const retry = { retries: 1, delaySeconds }
  const seconds = await download({ signal: controller.signal, onRetry, retry }).catch(Number)
  expect(seconds).toBeGreaterThanOrEqual(least)
  expect(seconds).toBeLessThanOrEqual(most)
})

test.each([400, 401, 403, 404])('status %i is final', async (code) => {
  const { index, download } = await setting()
  index.respond = answerStatus(code)
  const error = await failure(download())
  expect(error).toMatchObject({ code: 'ERR_TORCH_DOWNLOAD', details: { status: code } })
  expect(index.requests).toHaveLength(1)
})

test('a server that falls silent in the middle is left after the time limit, and the download continued', async () => {
  const { index, target, download } = await setting()
  index.respond = (request, response, served) => {
    if (served === undefined || request.headers.range !== undefined) return false
    response.writeHead(200, { etag: etagOf(served), 'content-length': served.bytes.length })
    response.write(served.bytes.subarray(0, half))
    return true
  }
  await download()
  expectWhole(target)
  expect(index.requests).toHaveLength(2)
})

test('a server that never answers ends in ERR_TORCH_DOWNLOAD', async () => {
  const { index, download } = await setting()
  index.respond = () => true
  const error = await failure(download({ retry: { retries: 0, delaySeconds: 0 } }))
  expect(error.code).toBe('ERR_TORCH_DOWNLOAD')
})

test('a server that is not there ends in ERR_TORCH_DOWNLOAD', async () => {
  const { download } = await setting()
  const error = await failure(download({ url: 'http://127.0.0.1:9/file.whl' }))
  expect(error.code).toBe('ERR_TORCH_DOWNLOAD')
  expect(error.message).toContain('127.0.0.1:9')
})

test('a redirect is followed; to another origin the credentials are not', async () => {
  const { index, target, download } = await setting()
  const other = await startFakeIndex(wheel)
  const places = [`/again/${wheel.file}`, `${other.origin}/files/${wheel.file}`]
  index.respond = (_, response) => {
    response.writeHead(302, { location: places.shift() ?? '' }).end()
    return true
  }
  const url = new URL(`${index.origin}/files/${wheel.file}`)
  url.username = 'me'
  url.password = 's3cret'
  await download({ url: url.href, headers: { cookie: 'a=b' } })
  expectWhole(target)
  const basic = `Basic ${Buffer.from('me:s3cret').toString('base64')}`
  expect(index.requests.map(({ authorization }) => authorization)).toEqual([basic, basic])
  expect(other.requests.map(({ authorization }) => authorization)).toEqual([undefined])
})

test('a token in a header goes to its own origin only', async () => {
  const { index, download } = await setting()
  const other = await startFakeIndex(wheel)
  index.respond = (_, response) => {
    response.writeHead(307, { location: `${other.origin}/files/${wheel.file}` }).end()
    return true
  }
  await download({ headers: { Authorization: 'Bearer t0ken' } })
  expect(index.requests[0]?.authorization).toBe('Bearer t0ken')
  expect(other.requests[0]?.authorization).toBeUndefined()
})

test('redirects without end, and to what is no http address, are refused', async () => {
  const { index, download } = await setting()
  index.respond = answerStatus(302, { location: 'again' })
  expect((await failure(download())).message).toContain('redirects')
  index.respond = answerStatus(302, { location: 'file:///etc/passwd' })
  expect((await failure(download())).message).toContain('https')
})

test('messages show no password and no token of an address', async () => {
  const { index, download } = await setting()
  index.respond = answerStatus(403)
  const url = `${index.origin.replace('//', '//me:s3cret@')}/files/x?token=t0ken`
  const error = await failure(download({ url }))
  expect(`${error.message} ${error.stack} ${JSON.stringify(error.details)}`).not.toMatch(/s3cret|t0ken/)
})

test('abort rejects with the reason, keeps what was received, and leaves no listener', async () => {
  const { index, target, partial, download } = await setting()
  const controller = new AbortController()
  const reason = new Error('enough')
  index.respond = (request, response, served) => {
    if (served === undefined || request.headers.range !== undefined) return false
    response.writeHead(200, { etag: etagOf(served), 'content-length': served.bytes.length })
    response.write(served.bytes.subarray(0, half))
    return true
  }
  const onProgress = (received: number) => received === half && controller.abort(reason)
  await expect(download({ signal: controller.signal, onProgress })).rejects.toBe(reason)
  expect(readFileSync(partial).length).toBe(half)
  await download()
  expectWhole(target)
  await expect(download({ signal: controller.signal })).rejects.toBe(reason)
})

test('abort ends the wait before a retry', async () => {
  const { index, download } = await setting()
  index.respond = answerStatus(503)
  const controller = new AbortController()
  const onRetry = () => controller.abort('now')
  const retry = { retries: 3, delaySeconds: 30 }
  await expect(download({ signal: controller.signal, onRetry, retry })).rejects.toBe('now')
})

test('space is asked for before anything is written', async () => {
  const { partial, download } = await setting()
  const asked: number[][] = []
  const reserve = async (...numbers: number[]) => {
    asked.push(numbers)
    throw new TorchError('ERR_TORCH_DISK', 'no room')
  }
  expect((await failure(download({ reserve }))).code).toBe('ERR_TORCH_DISK')
  expect(asked).toEqual([[wheel.bytes.length, wheel.bytes.length]])
  expect(readFileSync(partial).length).toBe(0)
})

test('a target that cannot be written is named', async () => {
  const { download } = await setting()
  const file = join(temporaryFolder(), 'file')
  writeFileSync(file, '')
  const error = await failure(download({ target: join(file, 'below') }))
  expect(error).toMatchObject({ code: 'ERR_TORCH_DISK', details: { code: expect.stringMatching(/ENOTDIR|EEXIST/) } })
  expect(error.message).toContain(file)
})

test('HTTP_PROXY is used, and NO_PROXY keeps an address from it', async () => {
  const { index, target, download } = await setting()
  const proxied: string[] = []
  const proxy = await startFakeIndex(wheel)
  proxy.respond = (request, response, served) => {
    proxied.push(request.url ?? '')
    if (served !== undefined) sendWheel(request, response, served)
    return served !== undefined
  }
  vi.stubEnv('HTTP_PROXY', proxy.origin)
  const url = `http://wheels.invalid/files/${wheel.file}`
  const client = await createHttpClient({ timeoutSeconds: 1 })
  await download({ client, url })
  expectWhole(target)
  expect(proxied).toEqual([url])
  await client.close()
  vi.stubEnv('NO_PROXY', '127.0.0.1')
  const direct = await createHttpClient({ timeoutSeconds: 1 })
  await download({ client: direct, target: `${target}.2` })
  await direct.close()
  expect([proxied.length, index.requests.length]).toEqual([1, 1])
})

test.each([
  ['hangs up', undefined],
  ['refuses', 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'],
  ['is silent', ''],
])('a proxy for https that %s is a failure of the connection', async (_, reply) => {
  const { download } = await setting()
  const proxy = createServer()
  let dialled = 0
  proxy.on('connect', (_request, socket) => {
    dialled++
    if (reply === undefined) socket.destroy()
    else if (reply !== '') socket.end(reply)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void proxy.closeAllConnections())
  vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
  const client = await createHttpClient({ timeoutSeconds: 1 })
  onTestFinished(() => client.close())
  const retry = { retries: 1, delaySeconds: 0 }
  const error = await failure(download({ client, url: 'https://wheels.invalid/x.whl', retry }))
  expect(error.code).toBe('ERR_TORCH_DOWNLOAD')
  expect(dialled).toBe(2)
})
