import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'
import { ImageClassifier } from '../../lib/models/index.js'
import { type FakeHub, startFakeHub } from '../support/fake-hub.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'
import { bareHub } from '../support/hub-environment.js'
import { efficientnetLite0 } from '../support/sample-photos.js'

expectNoLeaks()

const content = (name: string, large: boolean) => ({
  ...{ name, large },
  bytes: readFileSync(join(efficientnetLite0.weights, name)),
})
const repository = 'timm/tf_efficientnet_lite0.in1k'

let server: FakeHub
beforeEach(async () => {
  server = await startFakeHub(content('config.json', false), content('model.safetensors', true))
  server.repository = repository
  for (const [name, value] of Object.entries(bareHub(server).variables)) vi.stubEnv(name, value)
  return () => vi.unstubAllEnvs()
})

scopedTest('a model whose files are not in the cache is fetched, once', async () => {
  const model = await ImageClassifier.load(repository)
  expect(model.architecture).toBe('tf_efficientnet_lite0')
  expect(server.downloads('model.safetensors')).toHaveLength(1)
  server.requests.length = 0
  await ImageClassifier.load(repository)
  expect(server.requests).toEqual([])
})

test('what the hub does not have, or the network may not fetch, is said with what to do', async () => {
  await expect(ImageClassifier.load('timm/other')).rejects.toMatchObject({
    ...{ code: 'ERR_TORCH_MODULE_LOAD', message: expect.stringContaining('the hub has no such repository') },
  })
  vi.stubEnv('HF_HUB_OFFLINE', '1')
  await expect(ImageClassifier.load(repository)).rejects.toMatchObject({
    ...{ code: 'ERR_TORCH_MODULE_LOAD', message: expect.stringContaining(`npx node-libtorch pull ${repository}`) },
  })
})

test('a hub that sends other bytes is refused by its own code', async () => {
  server.respond = ({ host }, response) => {
    if (host === 'cdn') response.end('other bytes')
    return host === 'cdn'
  }
  await expect(ImageClassifier.load(repository)).rejects.toMatchObject({ code: 'ERR_TORCH_CHECKSUM' })
})
