import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { installLibtorch } from '../../lib/io/libtorch-install.js'
import { proxyVariables } from '../../lib/io/proxy-variables.js'
import { startFakeIndex } from '../support/fake-index.js'
import { fakeTorch } from '../support/fake-wheel.js'
import { bareEnvironment, minor } from '../support/install-environment.js'

beforeEach(() => {
  for (const [name, value] of Object.entries(bareEnvironment().variables)) vi.stubEnv(name, value)
})
afterEach(() => vi.unstubAllEnvs())

test.each([
  ['host:3128', 'http://host:3128/'],
  ['10.0.0.1', 'http://10.0.0.1/'],
  ['me:pass@host:3128', 'http://me:pass@host:3128/'],
  ['http://host:3128', 'http://host:3128/'],
  ['https://me:p%40ss@host', 'https://me:p%40ss@host/'],
  ['http://me:50%off@host/', 'http://me:50%25off@host/'],
  ['socks5://host:1080', 'socks5://host:1080'],
  ['', ''],
])('%j is the proxy %j', (text, address) => {
  vi.stubEnv('HTTP_PROXY', text)
  expect(proxyVariables()).toEqual({ httpProxy: address, httpsProxy: address })
})

test('lower case counts before capitals, and https has its own', () => {
  vi.stubEnv('http_proxy', 'a:1')
  vi.stubEnv('HTTP_PROXY', 'b:1')
  vi.stubEnv('HTTPS_PROXY', 'c:1')
  expect(proxyVariables()).toEqual({ httpProxy: 'http://a:1/', httpsProxy: 'http://c:1/' })
})

test.each([
  'http://',
  'host:port',
  'ftp://me:s3cret@host',
  'http://me:s3cret@ho st',
  'http:///',
  'me:s3cret@:1',
  '://x',
])('%j is refused by the name of the variable, without its password', async (text) => {
  vi.stubEnv('HTTPS_PROXY', text)
  const attempt = installLibtorch({ variant: 'cpu', index: 'http://127.0.0.1:1/', retries: 0 })
  await expect(attempt).rejects.toMatchObject({
    code: 'ERR_TORCH_INVALID_ARGUMENT',
    message: expect.stringMatching(/^Expected a proxy's address, .* for HTTPS_PROXY but received (?!.*s3cret)/),
  })
})

test('a proxy without a scheme is asked, with its credentials as they were written', async () => {
  const proxy = await startFakeIndex(fakeTorch({ version: `${minor}.0+cpu` }))
  const seen = new Set<string | undefined>()
  proxy.respond = (request) => {
    seen.add(request.headers['proxy-authorization'])
    return false
  }
  vi.stubEnv('HTTP_PROXY', proxy.origin.replace('http://', 'me:50%off@'))
  vi.stubEnv('NO_PROXY', undefined)
  vi.stubEnv('no_proxy', undefined)
  const { fresh } = await installLibtorch({ variant: 'cpu', index: 'http://index.invalid/simple/', retries: 0 })
  expect(fresh).toBe(true)
  expect([...seen]).toEqual([`Basic ${Buffer.from('me:50%off').toString('base64')}`])
})
