import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { hub } from '../../lib/io/hub.js'
import type { HubProgress } from '../../lib/io/hub-progress.js'
import type { HubContent } from '../support/fake-hub.js'
import { answerStatus } from '../support/http-answers.js'
import { hubForEachTest, quick } from '../support/hub-environment.js'
import { failure } from '../support/typed-failure.js'

const weights: HubContent = { name: 'model.safetensors', bytes: randomBytes(300_000), large: true }
const config: HubContent = { name: 'config.json', bytes: Buffer.from('{"architecture": "tiny"}'), large: false }
const here = hubForEachTest(weights, config)

const file = (name: string, options = {}) => hub.file('timm/tiny', name, { ...quick, ...options })

describe('the network:', () => {
  test.each([429, 500, 502, 503, 504])('a storm of %i passes', async (status) => {
    const storm = answerStatus(status, { 'retry-after': '0' })
    let left = 2
    here.server.respond = (request, response) => left-- > 0 && storm(request, response)
    const phases: string[] = []
    for await (const { phase } of hub.file.steps('timm/tiny', config.name, quick)) phases.push(phase)
    expect(phases.filter((phase) => phase === 'retry')).toHaveLength(2)
  })

  test('the wait that a rate limit asks for is kept', async () => {
    let left = 1
    here.server.respond = (request, response) =>
      left-- > 0 && answerStatus(429, { ratelimit: '"resolvers";r=0;t=1' })(request, response)
    const start = performance.now()
    await file(config.name)
    expect(performance.now() - start).toBeGreaterThan(950)
  })

  test('a storm that does not pass ends in ERR_TORCH_DOWNLOAD', async () => {
    here.server.respond = answerStatus(503)
    const error = await failure(file(config.name))
    expect(error).toMatchObject({ code: 'ERR_TORCH_DOWNLOAD', retryable: true })
    expect(error.message).toMatch(/after 3 attempts .*503$/) // it was reached: nothing to set
    expect(error.cause).toMatchObject({ code: 'ERR_TORCH_DOWNLOAD' })
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
      if (respond === undefined) here.server.close()
      else here.server.respond = respond
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
    here.server.files.pop()
    expect((await failure(file(config.name))).code).toBe('ERR_TORCH_HUB_NOT_FOUND')
    here.server.respond = answerStatus(404, { 'x-error-code': 'RevisionNotFound' })
    expect((await failure(file(config.name))).details).toMatchObject({ missing: 'revision' })
  })
})

describe.each(['dataset', 'space'] as const)('a %s', (type) => {
  test('is another repository than the model of its name, in all that is said of it too', async () => {
    const missing = await failure(file(config.name, { type }))
    expect(missing.message).toContain(`Expected the ${type} timm/tiny on the hub`)
    expect((await failure(file(config.name, { type, offline: true }))).message).toContain(
      `npx node-libtorch pull timm/tiny --type ${type}`,
    )
    here.server.type = type
    const path = await file(config.name, { type })
    expect(path).toBe(join(here.cache, `${type}s--timm--tiny`, 'snapshots', here.server.commit, config.name))
    expect((await failure(file(config.name))).details).toMatchObject({ missing: 'repository' })
    here.server.respond = answerStatus(403, { 'x-error-code': 'GatedRepo' })
    const gated = await failure(file(weights.name, { type }))
    expect(gated.message).toContain(`${here.server.endpoint}/${type}s/timm/tiny`)
  })
})

describe('what is not there:', () => {
  test('a file, a revision, a repository', async () => {
    const missing = await failure(file('missing.json'))
    expect(missing).toMatchObject({ code: 'ERR_TORCH_HUB_NOT_FOUND', details: { missing: 'file' } })
    expect(missing.message).toBe('Expected the file missing.json in timm/tiny (main) but the hub has no such file')
    expect(existsSync(join(here.repository, '.no_exist', here.server.commit, 'missing.json'))).toBe(true)
    const revision = await failure(file(config.name, { revision: 'v9' }))
    expect(revision).toMatchObject({ code: 'ERR_TORCH_HUB_NOT_FOUND', details: { missing: 'revision' } })
    const other = await failure(hub.file('timm/other', config.name, quick))
    expect(other).toMatchObject({ code: 'ERR_TORCH_HUB_NOT_FOUND', details: { missing: 'repository' } })
    expect(here.server.requests).toHaveLength(3)
  })

  test.each(['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'])('%s keeps from the network', async (variable) => {
    const path = await file(config.name)
    here.server.requests.length = 0
    vi.stubEnv(variable, 'yes')
    expect(await file(config.name)).toBe(path)
    const error = await failure(file(weights.name))
    expect(error.code).toBe('ERR_TORCH_HUB_OFFLINE')
    expect(error.message).toContain('npx node-libtorch pull timm/tiny')
    expect((await failure(file(config.name, { force: true }))).code).toBe('ERR_TORCH_HUB_OFFLINE')
    expect(here.server.requests).toEqual([])
    expect(existsSync(await file(weights.name, { offline: false }))).toBe(true)
  })
})
