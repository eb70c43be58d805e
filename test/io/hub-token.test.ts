import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { hub } from '../../lib/io/hub.js'
import type { HubContent } from '../support/fake-hub.js'
import { answerStatus } from '../support/http-answers.js'
import { hubForEachTest, quick } from '../support/hub-environment.js'
import { temporaryFolder, writeFile } from '../support/libtorch-folders.js'
import { failure } from '../support/typed-failure.js'

const weights: HubContent = { name: 'model.safetensors', bytes: randomBytes(300_000), large: true }
const config: HubContent = { name: 'config.json', bytes: Buffer.from('{"architecture": "tiny"}'), large: false }
const here = hubForEachTest(weights, config)

const file = (name: string, options = {}) => hub.file('timm/tiny', name, { ...quick, ...options })

describe('tokens:', () => {
  test.each([
    ['the option', {}, { token: 'hf_secret' }],
    ['HF_TOKEN', { HF_TOKEN: ' hf_secret\n' }, {}],
    ['HUGGING_FACE_HUB_TOKEN', { HUGGING_FACE_HUB_TOKEN: 'hf_secret' }, {}],
    ['HF_HOME/token', { HF_HOME: 'home' }, {}],
    ['HF_TOKEN_PATH', { HF_TOKEN_PATH: 'home/token' }, {}],
  ])('%s is sent to the hub and to no other host', async (_, variables, options) => {
    here.server.token = 'hf_secret'
    const place = temporaryFolder()
    writeFile(join(place, 'home', 'token'), 'hf_secret\n')
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value.replace('home', join(place, 'home')))
    expect(readFileSync(await file(weights.name, options)).equals(weights.bytes)).toBe(true)
    const sent = (host: string) =>
      here.server.requests.filter((request) => request.host === host).map(({ authorization }) => authorization)
    expect(sent('hub')).toEqual(['Bearer hf_secret', 'Bearer hf_secret'])
    expect(sent('cdn')).toEqual([undefined])
  })

  test('a list that goes on at another host is not asked for with the token', async () => {
    here.server.token = 'hf_secret'
    here.server.respond = ({ host, path }, response) => {
      if (!path.includes('/tree/')) return false
      const next = { link: `<${here.server.cdn}/api/models/timm/tiny/tree/x>; rel="next"` }
      response.writeHead(200, host === 'hub' ? next : {}).end('[]')
      return true
    }
    await failure(hub.snapshot('timm/tiny', { ...quick, token: 'hf_secret' }))
    expect(here.server.requests.at(-1)).toMatchObject({ host: 'cdn', authorization: undefined })
  })

  test('a private repository without, and with a wrong token; none is printed', async () => {
    here.server.token = 'hf_secret'
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
    here.server.respond = answerStatus(403, { 'x-error-code': 'GatedRepo' })
    const error = await failure(file(config.name))
    expect(error.code).toBe('ERR_TORCH_HUB_UNAUTHORIZED')
    expect(error.message).toContain(`${here.server.endpoint}/timm/tiny`)
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
    expect(here.server.requests).toEqual([])
  })

  test('a web page that refuses is not the hub: no token is asked for, and the cache may answer', async () => {
    const page = answerStatus(403, { 'content-type': 'text/html; charset=utf-8' })
    here.server.respond = page
    const error = await failure(file(config.name))
    expect(error).toMatchObject({ code: 'ERR_TORCH_DOWNLOAD', details: { status: 403 } })
    expect(error.message).toMatch(
      /received a web page with HTTP status 403: a proxy .*HTTPS_PROXY.* HF_ENDPOINT is no hub/,
    )
    here.server.respond = () => false
    const path = await file(config.name)
    here.server.respond = page
    expect(await file(config.name)).toBe(path)
    const fromHub = { 'content-type': 'text/html', 'x-error-message': 'Your token may not' }
    here.server.respond = answerStatus(403, fromHub)
    expect(await failure(file(weights.name))).toMatchObject({ code: 'ERR_TORCH_HUB_UNAUTHORIZED' })
  })

  test('messages show no signature of an address', async () => {
    here.server.respond = (request, response) => request.host === 'cdn' && answerStatus(403)(request, response)
    const error = await failure(file(weights.name))
    expect(`${error.message} ${error.stack}`).not.toContain('s3cret')
  })
})
