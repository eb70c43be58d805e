import { join } from 'node:path'
import { expect, test } from 'vitest'
import { indexSource, linksSource, listWheels, type WheelSource } from '../../lib/io/wheel-source.js'
import { fakeTorch, saveWheel } from '../support/fake-wheel.js'
import { temporaryFolder, writeFile } from '../support/libtorch-folders.js'

test.each([
  ['https://host/links.html', { kind: 'page', at: 'https://host/links.html' }],
  ['file:///wheels', { kind: 'path', at: '/wheels' }],
  ['file:///my%20wheels', { kind: 'path', at: '/my wheels' }],
  ['/links.html', { kind: 'page', at: 'file:///links.html' }],
  ['/50%zz', { kind: 'path', at: '/50%zz' }],
])('links of %j', (text, source) => {
  expect(linksSource(text, 'findLinks')).toEqual(source)
})

const notLocal = ['file://server/share', 'file:///tmp/a%zz', 'file:///a%2Fb', 'file:///a%00b', 'file://%zz/']
const noAddress = ['http://', 'https://[::/', 'http://me:s3cret@host:port/']

test.each([...notLocal, ...noAddress, 'a\0b'])('%j names no place of links', (text) => {
  const message = expect.stringMatching(/^Expected .* for findLinks but received (?!.*s3cret)/)
  expect(() => linksSource(text, 'findLinks')).toThrow(
    expect.objectContaining({ code: 'ERR_TORCH_INVALID_ARGUMENT', message }),
  )
})

test.each([...notLocal, ...noAddress, '/simple', 'ftp://host/'])('%j is no index', (text) => {
  const message = expect.stringMatching(/^Expected .* for index but received (?!.*s3cret)/)
  expect(() => indexSource(text, 'index')).toThrow(
    expect.objectContaining({ code: 'ERR_TORCH_INVALID_ARGUMENT', message }),
  )
})

test('links of a page on disk that lead nowhere are passed over', async () => {
  const folder = temporaryFolder()
  const { file } = fakeTorch({ version: '2.13.0' })
  saveWheel(folder, fakeTorch({ version: '2.13.0' }))
  const hrefs = [`file://server/share/${file}`, `file:///a%2Fb/${file}`, `file://${folder}/${file}`]
  const page = writeFile(join(folder, 'links.html'), hrefs.map((href) => `<a href="${href}">x</a>`).join('\n'))
  const source: WheelSource = linksSource(page, 'findLinks')
  const links = await listWheels(source, 'torch', {} as Parameters<typeof listWheels>[2])
  expect(links.map(({ place }) => place)).toEqual([{ path: join(folder, file) }])
})
