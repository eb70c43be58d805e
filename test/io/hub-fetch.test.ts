import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hub } from '../../lib/io/hub.js'
import { blobOf, type HubContent, type SeenHubRequest, sendBytes } from '../support/fake-hub.js'
import { hubForEachTest, quick } from '../support/hub-environment.js'
import { filesIn } from '../support/install-environment.js'
import { failure } from '../support/typed-failure.js'

const weights: HubContent = { name: 'model.safetensors', bytes: randomBytes(300_000), large: true }
const config: HubContent = { name: 'config.json', bytes: Buffer.from('{"architecture": "tiny"}'), large: false }
const here = hubForEachTest(weights, config)

const file = (name: string, options = {}) => hub.file('timm/tiny', name, { ...quick, ...options })
const blobs = () => filesIn(join(here.repository, 'blobs'))
const half = 150_000

const isFor = ({ name }: HubContent, { method, host, path }: SeenHubRequest) =>
  method === 'GET' && host === 'cdn' && path.endsWith(name)

/** The first `count` downloads of the weights break off after half of the body. */
function breakOff(count: number): void {
  let left = count
  here.server.respond = (request, response) => {
    if (!isFor(weights, request) || left-- <= 0) return false
    response.writeHead(200, { etag: '"1"', 'content-length': weights.bytes.length })
    response.write(weights.bytes.subarray(0, half), () => response.destroy())
    return true
  }
}

describe('nothing gets its name before its checksum is right:', () => {
  const corrupt = (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 10), Buffer.from('x'), bytes.subarray(11)])

  test.each([
    ['a corrupt large file', weights, corrupt, /SHA-256/],
    ['a corrupt small file', config, corrupt, /git SHA-1/],
    ['a large file that the server cuts off', weights, (bytes: Buffer) => bytes.subarray(0, 1000), /300000 bytes/],
    ['a small file that is longer than promised', config, (bytes: Buffer) => Buffer.concat([bytes, bytes]), /24 bytes/],
  ])('%s', async (_, content, change, message) => {
    here.server.respond = (request, response) => {
      if (request.method !== 'GET' || !request.path.endsWith(content.name)) return false
      if (content.large && request.host === 'hub') return false
      sendBytes({ ...request, range: undefined }, response, change(content.bytes))
      return true
    }
    const error = await failure(file(content.name))
    expect(error).toMatchObject({ code: 'ERR_TORCH_CHECKSUM', operation: 'hub.file', retryable: false })
    expect(error.message).toMatch(message)
    expect([existsSync(here.snapshotFile(content.name)), ...blobs()]).toEqual([false])
    here.server.respond = () => false
    expect(readFileSync(await file(content.name)).equals(content.bytes)).toBe(true)
  })

  test('a blob that another client left too short is fetched again', async () => {
    const path = await file(weights.name)
    writeFileSync(join(here.repository, 'blobs', blobOf(weights)), weights.bytes.subarray(0, 1000))
    expect(await file(weights.name)).toBe(path)
    expect(statSync(path).size).toBe(weights.bytes.length)
  })

  test.each([
    ['a path', '../../../evil'],
    ['another hash', 'abc'],
    ['nothing', ''],
  ])('%s as the ETag is refused', async (_, etag) => {
    here.server.respond = (request, response) => {
      if (request.method !== 'HEAD') return false
      response.writeHead(200, { 'x-repo-commit': here.server.commit, etag: `"${etag}"`, 'content-length': 5 }).end()
      return true
    }
    expect((await failure(file(config.name))).code).toBe('ERR_TORCH_DOWNLOAD')
    expect(filesIn(here.cache)).toEqual([])
  })

  test.each(['', '../../../..', 'main'])('%j as the commit is refused', async (commit) => {
    here.server.respond = (_, response) => {
      response.writeHead(200, { 'x-repo-commit': commit, etag: `"${blobOf(config)}"` }).end()
      return true
    }
    expect(await failure(file(config.name))).toMatchObject({
      code: 'ERR_TORCH_DOWNLOAD',
      message: expect.stringContaining('HF_ENDPOINT'),
    })
    expect(filesIn(here.cache)).toEqual([])
  })
})

describe('a transfer:', () => {
  test('a body that breaks off is continued, by the same call and by a later one', async () => {
    breakOff(1)
    await file(weights.name)
    expect(here.server.downloads(weights.name).map(({ range }) => range)).toEqual([undefined, `bytes=${half}-`])
    rmSync(here.repository, { recursive: true })
    breakOff(99)
    expect(await failure(file(weights.name, { retries: 0 }))).toMatchObject({
      code: 'ERR_TORCH_DOWNLOAD',
      retryable: true,
    })
    expect(blobs()).toEqual([`${blobOf(weights)}.partial`, `${blobOf(weights)}.partial.json`])
    here.server.respond = () => false
    const path = await file(weights.name)
    expect(readFileSync(path).equals(weights.bytes)).toBe(true)
    expect(here.server.downloads(weights.name).at(-1)?.range).toBe(`bytes=${half}-`)
    expect(blobs()).toEqual([blobOf(weights)])
  })

  test('a server that answers a range with the whole file is understood', async () => {
    breakOff(1)
    const first = here.server.respond
    here.server.respond = (request, response) => {
      if (first(request, response)) return true
      if (isFor(weights, request)) sendBytes({ ...request, range: undefined }, response, weights.bytes)
      return isFor(weights, request)
    }
    expect(readFileSync(await file(weights.name)).equals(weights.bytes)).toBe(true)
    expect(here.server.downloads(weights.name)).toHaveLength(2)
  })

  test('a server that falls silent in the middle is left after the time limit, and the download continued', async () => {
    here.server.respond = (request, response) => {
      if (!isFor(weights, request) || request.range !== undefined) return false
      response.writeHead(200, { etag: '"1"', 'content-length': weights.bytes.length })
      response.write(weights.bytes.subarray(0, half))
      return true
    }
    const path = await file(weights.name, { timeoutSeconds: 0.3 })
    expect(readFileSync(path).equals(weights.bytes)).toBe(true)
  })
})

test('a disk that is too small for one file is told before a byte of it is taken', async () => {
  here.server.respond = (request, response) => {
    if (!isFor(weights, request)) return false
    response.writeHead(200, { etag: '"1"', 'content-length': 1e15 })
    response.write(weights.bytes)
    return true
  }
  const error = await failure(file(weights.name, { retries: 0 }))
  const details = { folder: join(here.repository, 'blobs'), needed: 1e15, free: expect.any(Number) }
  expect(error).toMatchObject({ code: 'ERR_TORCH_DISK', operation: 'hub.file', details })
  expect(statSync(join(details.folder, `${blobOf(weights)}.partial`)).size).toBe(0)
})

test('abort rejects with the reason, at once, and keeps what was received', async () => {
  here.server.respond = (request, response) => {
    if (!isFor(weights, request) || request.range !== undefined) return false
    response.writeHead(200, { etag: '"1"', 'content-length': weights.bytes.length })
    response.write(weights.bytes.subarray(0, half))
    return true
  }
  const controller = new AbortController()
  const reason = new Error('enough')
  const steps = hub.file.steps('timm/tiny', weights.name, { ...quick, timeoutSeconds: 60, signal: controller.signal })
  const read = async () => {
    for await (const { done = 0 } of steps) if (done >= half) controller.abort(reason)
  }
  await expect(read()).rejects.toBe(reason)
  here.server.respond = () => false
  await file(weights.name)
  expect(here.server.downloads(weights.name).at(-1)?.range).toBe(`bytes=${half}-`)
  await expect(file(weights.name, { signal: controller.signal })).rejects.toBe(reason)
})
