import { randomBytes } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { hub } from '../../lib/io/hub.js'
import type { HubProgress } from '../../lib/io/hub-progress.js'
import {
  blobOf,
  type FakeHub,
  type HubContent,
  type SeenHubRequest,
  sendBytes,
  startFakeHub,
} from '../support/fake-hub.js'
import { answerStatus } from '../support/http-answers.js'
import { bareHub } from '../support/hub-environment.js'
import { filesIn } from '../support/install-environment.js'
import { temporaryFolder, writeFile } from '../support/libtorch-folders.js'
import { failure } from '../support/typed-failure.js'

const weights: HubContent = { name: 'model.safetensors', bytes: randomBytes(300_000), large: true }
const config: HubContent = { name: 'config.json', bytes: Buffer.from('{"architecture": "tiny"}'), large: false }
const half = 150_000

let server: FakeHub
let cache: string
let repository: string
beforeEach(async () => {
  server = await startFakeHub(weights, config)
  const { variables, cache: folder } = bareHub(server)
  cache = folder
  repository = join(cache, 'models--timm--tiny')
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
  return () => vi.unstubAllEnvs()
})

const quick = { retries: 2, retryDelaySeconds: 0.01, timeoutSeconds: 1 }
const file = (name: string, options = {}) => hub.file('timm/tiny', name, { ...quick, ...options })

const snapshotFile = (name: string) => join(repository, 'snapshots', server.commit, name)
const blobs = () => filesIn(join(repository, 'blobs'))
const isFor = ({ name }: HubContent, { method, host, path }: SeenHubRequest) =>
  method === 'GET' && host === 'cdn' && path.endsWith(name)

/** The first `count` downloads of the weights break off after half of the body. */
function breakOff(count: number): void {
  let left = count
  server.respond = (request, response) => {
    if (!isFor(weights, request) || left-- <= 0) return false
    response.writeHead(200, { etag: '"1"', 'content-length': weights.bytes.length })
    response.write(weights.bytes.subarray(0, half), () => response.destroy())
    return true
  }
}

test('a file lies where Python would put it: a blob named by its checksum, a link, a reference', async () => {
  for (const content of [weights, config]) {
    const path = await file(content.name)
    expect(path).toBe(snapshotFile(content.name))
    expect(readFileSync(path).equals(content.bytes)).toBe(true)
    expect(readlinkSync(path)).toBe(`../../blobs/${blobOf(content)}`)
  }
  expect(readFileSync(join(repository, 'refs', 'main'), 'utf8')).toBe(server.commit)
  expect(readFileSync(join(cache, 'CACHEDIR.TAG'), 'utf8')).toMatch(/^Signature: 8a477f597d28d172789f06886806bc55\n/)
  expect(filesIn(cache).filter((path) => /\.(tmp|partial|json|node-libtorch)$/.test(path))).toEqual([
    `models--timm--tiny/snapshots/${server.commit}/config.json`,
  ])
})

test('what is in the cache is not fetched again; by commit the hub is not even asked', async () => {
  const path = await file(weights.name)
  server.requests.length = 0
  expect(await file(weights.name)).toBe(path)
  expect(server.requests.map(({ method }) => method)).toEqual(['HEAD'])
  expect(await file(weights.name, { revision: server.commit })).toBe(path)
  expect(server.requests).toHaveLength(1)
  await file(weights.name, { force: true })
  expect(server.downloads(weights.name)).toHaveLength(1)
})

test('a file in a folder, a tag, and a pull request', async () => {
  server.files.push({ name: 'unet/a file.json', bytes: Buffer.from('{}'), large: false })
  const path = await file('unet/a file.json', { revision: 'refs/pr/1' })
  expect(path).toBe(snapshotFile('unet/a file.json'))
  expect(readlinkSync(path)).toMatch(/^\.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/)
  await file(config.name, { revision: 'v1' })
  for (const name of ['refs/pr/1', 'v1']) {
    expect(readFileSync(join(repository, 'refs', name), 'utf8')).toBe(server.commit)
  }
})

test('an empty file', async () => {
  server.files.push({ name: '__init__.py', bytes: Buffer.alloc(0), large: false })
  expect(readFileSync(await file('__init__.py'))).toHaveLength(0)
})

test('two names of the same content share a blob', async () => {
  server.files.push({ ...weights, name: 'copy.safetensors' })
  await file(weights.name)
  await file('copy.safetensors')
  expect(blobs()).toEqual([blobOf(weights)])
  expect(server.requests.filter(({ method, host }) => method === 'GET' && host === 'cdn')).toHaveLength(1)
})

test('a new commit is another snapshot, and what is the same in it is not fetched again', async () => {
  const before = await file(weights.name)
  server.commit = 'b'.repeat(40)
  server.requests.length = 0
  const after = await file(weights.name)
  expect([before === after, readlinkSync(before) === readlinkSync(after)]).toEqual([false, true])
  expect(server.requests.map(({ method }) => method)).toEqual(['HEAD'])
  expect(readFileSync(join(repository, 'refs', 'main'), 'utf8')).toBe(server.commit)
})

test('without links a snapshot holds the files themselves', async () => {
  vi.stubEnv('HF_HUB_DISABLE_SYMLINKS', '1')
  const path = await file(weights.name)
  expect(lstatSync(path).isFile()).toBe(true)
  expect(readFileSync(path).equals(weights.bytes)).toBe(true)
})

describe('nothing gets its name before its checksum is right:', () => {
  const corrupt = (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 10), Buffer.from('x'), bytes.subarray(11)])

  test.each([
    ['a corrupt large file', weights, corrupt, /SHA-256/],
    ['a corrupt small file', config, corrupt, /git SHA-1/],
    ['a large file that the server cuts off', weights, (bytes: Buffer) => bytes.subarray(0, 1000), /300000 bytes/],
    ['a small file that is longer than promised', config, (bytes: Buffer) => Buffer.concat([bytes, bytes]), /24 bytes/],
  ])('%s', async (_, content, change, message) => {
    server.respond = (request, response) => {
      if (request.method !== 'GET' || !request.path.endsWith(content.name)) return false
      if (content.large && request.host === 'hub') return false
      sendBytes({ ...request, range: undefined }, response, change(content.bytes))
      return true
    }
    const error = await failure(file(content.name))
    expect(error).toMatchObject({ code: 'ERR_TORCH_CHECKSUM', operation: 'hub.file', retryable: false })
    expect(error.message).toMatch(message)
    expect([existsSync(snapshotFile(content.name)), ...blobs()]).toEqual([false])
    server.respond = () => false
    expect(readFileSync(await file(content.name)).equals(content.bytes)).toBe(true)
  })

  test('a blob that another client left too short is fetched again', async () => {
    const path = await file(weights.name)
    writeFileSync(join(repository, 'blobs', blobOf(weights)), weights.bytes.subarray(0, 1000))
    expect(await file(weights.name)).toBe(path)
    expect(statSync(path).size).toBe(weights.bytes.length)
  })

  test.each([
    ['a path', '../../../evil'],
    ['another hash', 'abc'],
    ['nothing', ''],
  ])('%s as the ETag is refused', async (_, etag) => {
    server.respond = (request, response) => {
      if (request.method !== 'HEAD') return false
      response.writeHead(200, { 'x-repo-commit': server.commit, etag: `"${etag}"`, 'content-length': 5 }).end()
      return true
    }
    expect((await failure(file(config.name))).code).toBe('ERR_TORCH_DOWNLOAD')
    expect(filesIn(cache)).toEqual([])
  })

  test.each(['', '../../../..', 'main'])('%j as the commit is refused', async (commit) => {
    server.respond = (_, response) => {
      response.writeHead(200, { 'x-repo-commit': commit, etag: `"${blobOf(config)}"` }).end()
      return true
    }
    expect(await failure(file(config.name))).toMatchObject({
      code: 'ERR_TORCH_DOWNLOAD',
      message: expect.stringContaining('HF_ENDPOINT'),
    })
    expect(filesIn(cache)).toEqual([])
  })
})

describe('the network:', () => {
  test('a body that breaks off is continued, by the same call and by a later one', async () => {
    breakOff(1)
    await file(weights.name)
    expect(server.downloads(weights.name).map(({ range }) => range)).toEqual([undefined, `bytes=${half}-`])
    rmSync(repository, { recursive: true })
    breakOff(99)
    expect(await failure(file(weights.name, { retries: 0 }))).toMatchObject({
      code: 'ERR_TORCH_DOWNLOAD',
      retryable: true,
    })
    expect(blobs()).toEqual([`${blobOf(weights)}.partial`, `${blobOf(weights)}.partial.json`])
    server.respond = () => false
    const path = await file(weights.name)
    expect(readFileSync(path).equals(weights.bytes)).toBe(true)
    expect(server.downloads(weights.name).at(-1)?.range).toBe(`bytes=${half}-`)
    expect(blobs()).toEqual([blobOf(weights)])
  })

  test('a server that answers a range with the whole file is understood', async () => {
    breakOff(1)
    const first = server.respond
    server.respond = (request, response) => {
      if (first(request, response)) return true
      if (isFor(weights, request)) sendBytes({ ...request, range: undefined }, response, weights.bytes)
      return isFor(weights, request)
    }
    expect(readFileSync(await file(weights.name)).equals(weights.bytes)).toBe(true)
    expect(server.downloads(weights.name)).toHaveLength(2)
  })

  test('a server that falls silent in the middle is left after the time limit, and the download continued', async () => {
    server.respond = (request, response) => {
      if (!isFor(weights, request) || request.range !== undefined) return false
      response.writeHead(200, { etag: '"1"', 'content-length': weights.bytes.length })
      response.write(weights.bytes.subarray(0, half))
      return true
    }
    const path = await file(weights.name, { timeoutSeconds: 0.3 })
    expect(readFileSync(path).equals(weights.bytes)).toBe(true)
  })

  test.each([429, 500, 502, 503, 504])('a storm of %i passes', async (status) => {
    const storm = answerStatus(status, { 'retry-after': '0' })
    let left = 2
    server.respond = (request, response) => left-- > 0 && storm(request, response)
    const phases: string[] = []
    for await (const { phase } of hub.file.steps('timm/tiny', config.name, quick)) phases.push(phase)
    expect(phases.filter((phase) => phase === 'retry')).toHaveLength(2)
  })

  test('the wait that a rate limit asks for is kept', async () => {
    let left = 1
    server.respond = (request, response) =>
      left-- > 0 && answerStatus(429, { ratelimit: '"resolvers";r=0;t=1' })(request, response)
    const start = performance.now()
    await file(config.name)
    expect(performance.now() - start).toBeGreaterThan(950)
  })

  test('a storm that does not pass ends in ERR_TORCH_DOWNLOAD', async () => {
    server.respond = answerStatus(503)
    const error = await failure(file(config.name))
    expect(error).toMatchObject({ code: 'ERR_TORCH_DOWNLOAD', retryable: true })
    expect(error.message).toMatch(/after 3 attempts .*503/)
  })

  test('where the hub cannot be reached the cache answers, at once, and says so', async () => {
    const path = await file(config.name)
    const broken = [
      answerStatus(503),
      answerStatus(401),
      answerStatus(404, { 'x-error-code': 'RepoNotFound' }),
      undefined,
    ]
    for (const respond of broken) {
      if (respond === undefined) server.close()
      else server.respond = respond
      const seen: HubProgress[] = []
      const steps = hub.file.steps('timm/tiny', config.name, { ...quick, retryDelaySeconds: 30 })
      let step = await steps.next()
      for (; !step.done; step = await steps.next()) seen.push(step.value)
      expect(step.value).toBe(path)
      expect(seen.map(({ phase }) => phase)).toEqual(['ask', 'cache'])
    }
    expect((await failure(file(weights.name))).code).toBe('ERR_TORCH_DOWNLOAD')
  })

  test('what the hub says is gone is gone, whatever the cache has', async () => {
    await file(config.name)
    server.files.pop()
    expect((await failure(file(config.name))).code).toBe('ERR_TORCH_HUB_NOT_FOUND')
    server.respond = answerStatus(404, { 'x-error-code': 'RevisionNotFound' })
    expect((await failure(file(config.name))).details).toMatchObject({ missing: 'revision' })
  })
})

describe('what is not there:', () => {
  test('a file, a revision, a repository', async () => {
    const missing = await failure(file('missing.json'))
    expect(missing).toMatchObject({ code: 'ERR_TORCH_HUB_NOT_FOUND', details: { missing: 'file' } })
    expect(missing.message).toBe('Expected the file missing.json in timm/tiny (main) but the hub has no such file')
    expect(existsSync(join(repository, '.no_exist', server.commit, 'missing.json'))).toBe(true)
    const revision = await failure(file(config.name, { revision: 'v9' }))
    expect(revision).toMatchObject({ code: 'ERR_TORCH_HUB_NOT_FOUND', details: { missing: 'revision' } })
    const other = await failure(hub.file('timm/other', config.name, quick))
    expect(other).toMatchObject({ code: 'ERR_TORCH_HUB_NOT_FOUND', details: { missing: 'repository' } })
    expect(server.requests).toHaveLength(3)
  })

  test.each(['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'])('%s keeps from the network', async (variable) => {
    const path = await file(config.name)
    server.requests.length = 0
    vi.stubEnv(variable, 'yes')
    expect(await file(config.name)).toBe(path)
    const error = await failure(file(weights.name))
    expect(error.code).toBe('ERR_TORCH_HUB_OFFLINE')
    expect(error.message).toContain('npx node-libtorch pull timm/tiny')
    expect((await failure(file(config.name, { force: true }))).code).toBe('ERR_TORCH_HUB_OFFLINE')
    expect(server.requests).toEqual([])
    expect(existsSync(await file(weights.name, { offline: false }))).toBe(true)
  })
})

describe('tokens:', () => {
  test.each([
    ['the option', {}, { token: 'hf_secret' }],
    ['HF_TOKEN', { HF_TOKEN: ' hf_secret\n' }, {}],
    ['HUGGING_FACE_HUB_TOKEN', { HUGGING_FACE_HUB_TOKEN: 'hf_secret' }, {}],
    ['HF_HOME/token', { HF_HOME: 'home' }, {}],
    ['HF_TOKEN_PATH', { HF_TOKEN_PATH: 'home/token' }, {}],
  ])('%s is sent to the hub and to no other host', async (_, variables, options) => {
    server.token = 'hf_secret'
    const place = temporaryFolder()
    writeFile(join(place, 'home', 'token'), 'hf_secret\n')
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value.replace('home', join(place, 'home')))
    expect(readFileSync(await file(weights.name, options)).equals(weights.bytes)).toBe(true)
    const sent = (host: string) =>
      server.requests.filter((request) => request.host === host).map(({ authorization }) => authorization)
    expect(sent('hub')).toEqual(['Bearer hf_secret', 'Bearer hf_secret'])
    expect(sent('cdn')).toEqual([undefined])
  })

  test('a list that goes on at another host is not asked for with the token', async () => {
    server.token = 'hf_secret'
    server.respond = ({ host, path }, response) => {
      if (!path.includes('/tree/')) return false
      const next = { link: `<${server.cdn}/api/models/timm/tiny/tree/x>; rel="next"` }
      response.writeHead(200, host === 'hub' ? next : {}).end('[]')
      return true
    }
    await failure(hub.snapshot('timm/tiny', { ...quick, token: 'hf_secret' }))
    expect(server.requests.at(-1)).toMatchObject({ host: 'cdn', authorization: undefined })
  })

  test('a private repository without, and with a wrong token; none is printed', async () => {
    server.token = 'hf_secret'
    const hidden = await failure(file(config.name))
    expect(hidden).toMatchObject({ code: 'ERR_TORCH_HUB_NOT_FOUND' })
    expect(hidden.message).toContain('private')
    vi.stubEnv('HF_TOKEN', 'hf_wrong')
    const refused = await failure(file(config.name))
    expect(refused).toMatchObject({ code: 'ERR_TORCH_HUB_UNAUTHORIZED', details: { status: 401 } })
    expect(`${refused.message} ${refused.stack} ${JSON.stringify(refused.details)}`).not.toContain('hf_wrong')
    expect(await failure(file(config.name, { token: false }))).toMatchObject({ code: 'ERR_TORCH_HUB_NOT_FOUND' })
    vi.stubEnv('HF_HUB_DISABLE_IMPLICIT_TOKEN', '1')
    expect(await failure(file(config.name))).toMatchObject({ code: 'ERR_TORCH_HUB_NOT_FOUND' })
  })

  test('a gated repository says where to accept its conditions', async () => {
    server.respond = answerStatus(403, { 'x-error-code': 'GatedRepo' })
    const error = await failure(file(config.name))
    expect(error.code).toBe('ERR_TORCH_HUB_UNAUTHORIZED')
    expect(error.message).toContain(`${server.endpoint}/timm/tiny`)
  })

  test.each([
    ['as an option', { token: 'hf_\nsecret' }, ''],
    ['of another type', { token: ['hf_secret'] }, ''],
    ['from the environment', {}, 'hf_\nsecret'],
  ])('a token %s that cannot be sent is refused without being shown', async (_, options, stored) => {
    vi.stubEnv('HF_TOKEN', stored)
    const error = await failure(file(config.name, options))
    expect(error).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT', operation: 'hub.file' })
    expect(error.message).not.toContain('secret')
    expect(server.requests).toEqual([])
  })

  test('messages show no signature of an address', async () => {
    server.respond = (request, response) => request.host === 'cdn' && answerStatus(403)(request, response)
    const error = await failure(file(weights.name))
    expect(`${error.message} ${error.stack}`).not.toContain('s3cret')
  })
})

test('abort rejects with the reason, at once, and keeps what was received', async () => {
  server.respond = (request, response) => {
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
  server.respond = () => false
  await file(weights.name)
  expect(server.downloads(weights.name).at(-1)?.range).toBe(`bytes=${half}-`)
  await expect(file(weights.name, { signal: controller.signal })).rejects.toBe(reason)
})

test('leaving the progress early ends the work', async () => {
  for await (const { phase } of hub.file.steps('timm/tiny', weights.name, quick)) if (phase === 'download') break
  expect(existsSync(snapshotFile(weights.name))).toBe(false)
})

test('progress grows up to the size of the file, and ends with its name', async () => {
  const seen: HubProgress[] = []
  for await (const step of hub.file.steps('timm/tiny', weights.name, quick)) seen.push(step)
  const done = seen.flatMap(({ phase, done }) => (phase === 'download' ? [done ?? -1] : []))
  expect(done).toEqual(done.toSorted((a, b) => a - b))
  expect(done.at(-1)).toBe(weights.bytes.length)
  expect(seen.at(0)).toEqual({ phase: 'ask', subject: 'timm/tiny (main)' })
  expect(seen.at(-1)).toEqual({ phase: 'file', subject: weights.name })
})

test.each([
  ['a revision', { revision: '../x' }],
  ['an endpoint', { endpoint: 'ftp://hub' }],
  ['an endpoint with a password', { endpoint: 'me:s3cret' }],
  ['a type', { type: 'module' }],
  ['retries', { retries: -1 }],
  ['a token', { token: 5 }],
])('%s that is none is refused', async (_, options) => {
  const error = await failure(file(config.name, options))
  expect(error).toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT', operation: 'hub.file' })
  expect(error.message).not.toContain('s3cret')
  expect(server.requests).toEqual([])
})

test('names that could lead elsewhere, and unknown options, are refused', async () => {
  for (const name of ['../x', '/etc/passwd', 'a\\b', '', 5]) {
    expect((await failure(file(name as string))).code).toBe('ERR_TORCH_INVALID_ARGUMENT')
  }
  expect((await failure(hub.file('a/b/c', 'x'))).code).toBe('ERR_TORCH_INVALID_ARGUMENT')
  const error = await failure(file('x', { revison: 'main' }))
  expect(error).toMatchObject({ code: 'ERR_TORCH_UNKNOWN_OPTION', details: { nearest: 'revision' } })
  expect(readdirSync(dirname(cache))).not.toContain('x')
})
