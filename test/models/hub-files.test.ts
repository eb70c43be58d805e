import { randomBytes } from 'node:crypto'
import { getEventListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { scope } from '../../lib/core/scope.js'
import type { HubProgress } from '../../lib/io/hub-progress.js'
import { ImageClassifier, type ImageClassifierOptions, ResNet } from '../../lib/models/index.js'
import { blobOf, type HubContent } from '../support/fake-hub.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'
import { hubForEachTest } from '../support/hub-environment.js'
import { filesIn } from '../support/install-environment.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { efficientnetLite0 } from '../support/sample-photos.js'
import { failure } from '../support/typed-failure.js'

expectNoLeaks()

const content = (name: string, large: boolean) => ({
  ...{ name, large },
  bytes: readFileSync(join(efficientnetLite0.weights, name)),
})
const repository = 'timm/tf_efficientnet_lite0.in1k'

const here = hubForEachTest(content('config.json', false), content('model.safetensors', true))
beforeEach(() => {
  here.server.repository = repository
})

scopedTest('a model whose files are not in the cache is fetched, once', async () => {
  const model = await ImageClassifier.load(repository)
  expect(model.architecture).toBe('tf_efficientnet_lite0')
  expect(here.server.downloads('model.safetensors')).toHaveLength(1)
  here.server.requests.length = 0
  await ImageClassifier.load(repository)
  expect(here.server.requests).toEqual([])
})

scopedTest('progress tells of the files that are fetched, and of nothing where none is', async () => {
  const seen: HubProgress[] = []
  const options = { progress: (step: HubProgress) => void seen.push(step) }
  await ImageClassifier.load(repository, options)
  expect(seen.flatMap(({ phase, subject }) => (phase === 'file' ? [subject] : []))).toEqual([
    ...['config.json', 'model.safetensors'],
  ])
  const size = here.server.files[1]?.bytes.length
  expect(seen.filter(({ phase }) => phase === 'download').at(-1)).toMatchObject({ done: size, total: size })
  seen.length = 0
  await ImageClassifier.load(repository, options)
  expect(seen).toEqual([])
})

describe.each([
  ['ImageClassifier', ImageClassifier],
  ['ResNet', ResNet],
] as const)('%s.load in the middle of a download', (_, Model) => {
  const weights: HubContent = { name: 'model.safetensors', bytes: randomBytes(300_000), large: true }
  const half = 150_000
  const blobs = () => filesIn(join(here.repository, 'blobs')).filter((name) => name.startsWith(blobOf(weights)))

  /** Sends half of the weights, and then nothing. */
  beforeEach(() => {
    here.server.repository = 'timm/tiny'
    here.server.files.splice(1, 1, weights)
    here.server.respond = ({ host, range }, response) => {
      if (host !== 'cdn' || range !== undefined) return false
      response.writeHead(200, { etag: '"1"', 'content-length': weights.bytes.length })
      return response.write(weights.bytes.subarray(0, half)) || true
    }
  })

  const atHalf = (act: () => void) => (step: HubProgress) => {
    if (step.phase === 'download' && step.done === half) act()
  }
  const resumes = async () => {
    expect(blobs()).toEqual([`${blobOf(weights)}.partial`, `${blobOf(weights)}.partial.json`])
    expect(filesIn(join(here.cache, '.locks'))).toEqual([])
    await expect(Model.load('timm/tiny')).rejects.toMatchObject({ code: 'ERR_TORCH_FILE_FORMAT' }) // random bytes
    expect(here.server.downloads(weights.name).map(({ range }) => range)).toEqual([undefined, `bytes=${half}-`])
    expect(blobs()).toEqual([blobOf(weights)])
  }

  test('an abort rejects with the reason, leaves no listener and what the next call goes on with', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const reason = new Error('enough')
    const listeners = vi.fn(() => getEventListeners(signal, 'abort').length)
    const progress = atHalf(() => {
      listeners()
      controller.abort(reason)
    })
    await expect(Model.load('timm/tiny', { signal, progress })).rejects.toBe(reason)
    expect(listeners).toHaveReturnedWith(1)
    expect(getEventListeners(signal, 'abort')).toEqual([])
    await resumes()
  })

  test('what progress throws ends it', async () => {
    const reason = new Error('of the caller')
    const progress = atHalf(() => {
      throw reason
    })
    await expect(Model.load('timm/tiny', { progress })).rejects.toBe(reason)
    await resumes()
  })
})

scopedTest('a signal that has fired, or fires in any step of a load, ends it and leaves nothing', async () => {
  await ImageClassifier.load(repository)
  const reason = new Error('enough')
  const signal = AbortSignal.abort(reason)
  for (const source of [repository, efficientnetLite0.weights, efficientnetLite0.weightless]) {
    await expect(ImageClassifier.load(source, { signal })).rejects.toBe(reason)
  }
  for (const milliseconds of [0, 1, 5, 20, 60]) {
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), milliseconds)
    const loaded = await ImageClassifier.load(repository, { signal: controller.signal }).catch((error) => error)
    if (!(loaded instanceof ImageClassifier)) expect(loaded).toBe(reason)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  }
  const kept = new AbortController()
  await ImageClassifier.load(repository, { signal: kept.signal })
  expect(getEventListeners(kept.signal, 'abort')).toEqual([])
})

test.each([
  ['signal', { signal: 5 }],
  ['progress', { progress: 'loud' }],
])('a %s that is none is refused', async (name, options) => {
  await expect(ResNet.load('timm/tiny', options as never)).rejects.toMatchObject({
    ...{ code: 'ERR_TORCH_INVALID_ARGUMENT', message: expect.stringContaining(`${name} of ResNet.load`) },
  })
  expect(here.server.requests).toEqual([])
})

describe('a model by its name', () => {
  test.each([
    ['tf_efficientnet_lite0', repository, 'an architecture'],
    ['tf_efficientnet_lite0.in1k', repository, 'an architecture with its tag'],
    ['tf_efficientnet_lite0.other_tag', 'timm/tf_efficientnet_lite0.other_tag', 'an architecture with another tag'],
    ['hf-hub:timm/tf_efficientnet_lite0.in1k', repository, 'a repository in the words of timm'],
    ['hf_hub:someone/model', 'someone/model', 'a repository in the old words of timm'],
  ])('%s is %s: %s', (name, id) =>
    scope(async () => {
      vi.stubEnv('XDG_CACHE_HOME', temporaryFolder())
      here.server.repository = id
      expect((await ImageClassifier.load(name)).architecture).toBe('tf_efficientnet_lite0')
      expect(here.server.downloads('model.safetensors').map(({ path }) => path)).toEqual(['/model.safetensors'])
    }),
  )

  test('whose weights are nowhere is an error that names all places that were tried', async () => {
    vi.stubEnv('XDG_CACHE_HOME', temporaryFolder())
    const own = join(process.env.XDG_CACHE_HOME as string, 'node-libtorch', 'models', 'resnet18')
    const { code, message } = await failure(ResNet.load('resnet18'))
    expect(code).toBe('ERR_TORCH_MODULE_LOAD')
    expect(message).toMatch(/^Expected a model but found none after looking for a file or folder 'resnet18', /)
    for (const place of [own, 'the repository timm/resnet18.a1_in1k', 'the hub has no such repository']) {
      expect(message).toContain(place)
    }
    expect((await failure(ResNet.load('resnet18.gluon_in1k'))).message).toContain('timm/resnet18.gluon_in1k')
  })

  test('of an architecture that this package has not is an error that names the nearest, and asks no hub', async () => {
    for (const name of ['resnet19', 'resnet19.a1_in1k']) {
      const { code, message } = await failure(ResNet.load(name))
      expect([code, message]).toEqual(['ERR_TORCH_MODULE_LOAD', expect.stringContaining('(did you mean resnet18?)')])
    }
    expect((await failure(ResNet.load('vit_base_patch16_224'))).message).toContain('architectures of this package are')
    expect((await failure(ResNet.load('./resnet18'))).message).not.toContain('did you mean')
    expect(here.server.requests).toEqual([])
  })
})

describe('a revision', () => {
  const revisionAsked = () => /\/resolve\/(.+)\/config\.json$/.exec(here.server.requests[0]?.path ?? '')?.[1]

  test.each<[string, ImageClassifierOptions]>([
    [`hf-hub:${repository}@v1`, {}],
    [`${repository}@v1`, {}],
    [repository, { hub: { revision: 'v1' } }],
    [`${repository}@v1`, { hub: { revision: 'v1' } }],
    ['tf_efficientnet_lite0.in1k', { hub: { revision: 'v1' } }],
    ['tf_efficientnet_lite0', { hub: { revision: 'v1' } }], // whatever lies in the package's own cache
  ])('%s %j is taken from the hub, then from the cache', (name, options) =>
    scope(async () => {
      expect((await ImageClassifier.load(name, options)).architecture).toBe('tf_efficientnet_lite0')
      expect(revisionAsked()).toBe('v1')
      expect(readFileSync(join(here.cache, `models--${repository.replace('/', '--')}`, 'refs', 'v1'), 'utf8')).toBe(
        here.server.commit,
      )
      here.server.requests.length = 0
      await ImageClassifier.load(name, options)
      expect(here.server.requests).toEqual([])
    }),
  )

  scopedTest('that was fetched as another is not the one that is asked for', async () => {
    await ImageClassifier.load(repository)
    here.server.requests.length = 0
    await ImageClassifier.load(`${repository}@refs/pr/1`)
    expect(revisionAsked()).toBe('refs/pr/1')
    await ImageClassifier.load(`${repository}@${here.server.commit}`, { hub: { offline: true } })
    const { code, message } = await failure(ImageClassifier.load(`${repository}@v1`, { hub: { offline: true } }))
    expect([code, message]).toEqual([
      'ERR_TORCH_MODULE_LOAD',
      expect.stringContaining(`pull ${repository} --revision v1`),
    ])
  })

  test('that the hub does not have is said so', async () => {
    const { code, message } = await failure(ImageClassifier.load(`${repository}@v2`))
    expect([code, message]).toEqual([
      'ERR_TORCH_MODULE_LOAD',
      expect.stringContaining(`the revision v2 of ${repository}`),
    ])
  })

  test('is said once, and only of what is on the hub', async () => {
    const archive = readFileSync(efficientnetLite0.weightless)
    for (const [source, revision] of [
      [`${repository}@v1`, 'main'],
      [efficientnetLite0.weights, 'v1'],
      [`local-dir:${efficientnetLite0.weights}`, 'v1'],
      [efficientnetLite0.weightless, 'v1'],
      [archive, 'v1'],
      [{ architecture: 'tf_efficientnet_lite0', random: 1 }, 'v1'],
    ] as const) {
      const { code, message } = await failure(ImageClassifier.load(source, { hub: { revision } }))
      expect([code, message]).toEqual(['ERR_TORCH_INVALID_ARGUMENT', expect.stringContaining('revision')])
    }
    for (const name of ['hf-hub:timm/a@v1@v2', 'hf-hub:timm/a@', 'hf-hub:', 'hf-hub:a/b/c', 'hf-hub:../a']) {
      expect((await failure(ImageClassifier.load(name))).code).toBe('ERR_TORCH_INVALID_ARGUMENT')
    }
    await expect(ImageClassifier.load(`${repository}@../v1`)).rejects.toMatchObject({
      code: 'ERR_TORCH_INVALID_ARGUMENT',
    })
    expect(here.server.requests).toEqual([])
  })
})

describe('the hub of a load', () => {
  scopedTest('is the one that it is told, with the token that it is told', async () => {
    const { endpoint } = here.server
    here.server.token = 'hf_secret'
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9')
    await expect(ImageClassifier.load(repository, { hub: { endpoint } })).rejects.toMatchObject({
      code: 'ERR_TORCH_MODULE_LOAD',
    })
    await ImageClassifier.load(repository, { hub: { endpoint, token: 'hf_secret' } })
    expect(here.server.downloads('model.safetensors')).toHaveLength(1)
  })

  scopedTest('is asked again by force, and never offline', async () => {
    const offline = { hub: { offline: true } }
    await expect(ImageClassifier.load(repository, offline)).rejects.toMatchObject({ code: 'ERR_TORCH_MODULE_LOAD' })
    expect(here.server.requests).toEqual([])
    await ImageClassifier.load(repository)
    await ImageClassifier.load(repository, { hub: { force: true } })
    expect(here.server.downloads('model.safetensors')).toHaveLength(2)
    await ImageClassifier.load(repository, offline)
  })

  test.each([
    [{ hub: 'main' }, 'ERR_TORCH_INVALID_ARGUMENT', 'hub of ResNet.load'],
    [
      { hub: { revison: 'v1' } },
      'ERR_TORCH_UNKNOWN_OPTION',
      "hub of ResNet.load but received 'revison' (did you mean revision?)",
    ],
    [{ hub: { signal: new AbortController().signal } }, 'ERR_TORCH_UNKNOWN_OPTION', 'hub of ResNet.load'],
    [{ hub: { retries: -1 } }, 'ERR_TORCH_INVALID_ARGUMENT', 'hub.retries of ResNet.load'],
    [{ hub: { token: 's3 cret' } }, 'ERR_TORCH_INVALID_ARGUMENT', '(not shown)'],
    [{ revision: 'v1' }, 'ERR_TORCH_UNKNOWN_OPTION', 'ResNet.load'],
  ])('%j is refused', async (options, code, text) => {
    const error = await failure(ResNet.load(repository, options as never))
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(text)])
    expect(error.message).not.toContain('s3 cret')
    expect(here.server.requests).toEqual([])
  })
})

scopedTest('a repository without an organisation is named with hf-hub:', async () => {
  here.server.repository = 'gpt2'
  expect((await ImageClassifier.load('hf-hub:gpt2')).architecture).toBe('tf_efficientnet_lite0')
  expect(here.server.downloads('model.safetensors')).toHaveLength(1)
})

scopedTest('local-dir: is a folder, and never a name', async () => {
  const model = await ImageClassifier.load(`local-dir:${efficientnetLite0.weights}`)
  expect(model.architecture).toBe('tf_efficientnet_lite0')
  for (const name of [repository, 'tf_efficientnet_lite0', efficientnetLite0.weightless, './none']) {
    const { code, message } = await failure(ImageClassifier.load(`local-dir:${name}`))
    expect([code, message]).toEqual(['ERR_TORCH_MODULE_LOAD', expect.stringContaining(`'local-dir:${name}'`)])
  }
  await expect(ImageClassifier.load('local-dir:')).rejects.toMatchObject({ code: 'ERR_TORCH_INVALID_ARGUMENT' })
  expect(here.server.requests).toEqual([])
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

describe('a hub that cannot be reached', () => {
  const remedies = ['HF_ENDPOINT', 'HTTPS_PROXY', 'HF_HUB_OFFLINE=1', "'local-dir:", `npx node-libtorch pull`]
  const hub = (endpoint: string) => ({ hub: { endpoint, retries: 0, timeoutSeconds: 2 } })

  test.each([
    ['that nobody knows', 'https://hub.invalid', 'https://hub.invalid'],
    ['where nobody listens', 'http://127.0.0.1:9', 'http://127.0.0.1:9'],
  ])('%s is said with what was wanted, where it was looked for and what mends it', async (_, endpoint, place) => {
    vi.stubEnv('XDG_CACHE_HOME', temporaryFolder())
    const own = join(process.env.XDG_CACHE_HOME as string, 'node-libtorch', 'models', 'resnet18')
    for (const [name, id, places] of [
      ['resnet18', 'timm/resnet18.a1_in1k', [own]],
      ['timm/resnet18.a1_in1k', 'timm/resnet18.a1_in1k', []],
      ['weights/nope', 'weights/nope', []],
    ] as const) {
      const error = await failure(ImageClassifier.load(name, hub(endpoint)))
      expect([error.code, error.retryable, error.operation]).toEqual([
        'ERR_TORCH_DOWNLOAD',
        true,
        'ImageClassifier.load',
      ])
      expect(error.message).toMatch(/^Expected a model but found none after looking for a file or folder '/)
      const wanted = [`a file or folder '${name}'`, ...places, here.cache, `the repository ${id} of ${place}`]
      for (const text of [...wanted, ...remedies]) expect(error.message).toContain(text)
      expect(error.cause).toMatchObject({ code: 'ERR_TORCH_DOWNLOAD' })
      expect(error.message).toContain((error.cause as Error).message)
    }
  })

  test('breaks off in the middle, and is said so too', async () => {
    here.server.respond = ({ path }, response) => {
      if (path.endsWith('.safetensors')) response.writeHead(503).end()
      return path.endsWith('.safetensors')
    }
    const error = await failure(ImageClassifier.load(repository, hub(here.server.endpoint)))
    expect([error.code, error.message]).toEqual(['ERR_TORCH_DOWNLOAD', expect.stringContaining('HTTP status 503')])
    expect(error.message).toContain("; 'local-dir:")
  })
})

test('a hub that sends other bytes is refused by its own code', async () => {
  here.server.respond = ({ host }, response) => {
    if (host === 'cdn') response.end('other bytes')
    return host === 'cdn'
  }
  await expect(ImageClassifier.load(repository)).rejects.toMatchObject({ code: 'ERR_TORCH_CHECKSUM' })
})
