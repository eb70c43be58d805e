import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { runScript } from '../support/child-script.js'
import { repositoryRoot } from '../support/source-files.js'

const url = JSON.stringify(pathToFileURL(join(repositoryRoot, 'scripts', 'prebuild', 'requirements.mjs')).href)

async function said(...each: { GLIBC?: string; GLIBCXX?: string }[]): Promise<string> {
  const source = `
    import { narrowerThanLibtorch, newestOf } from ${url}
    console.log(narrowerThanLibtorch(newestOf(${JSON.stringify(each)})))`
  return (await runScript(source)).stdout.trim()
}

test('addons that need newer systems than libtorch say which, all addons in one sentence', async () => {
  expect(await said({ GLIBC: '2.34', GLIBCXX: '3.4.9' }, { GLIBC: '2.4' }, { GLIBC: '2.28' })).toBe(
    'this package runs where glibc >= 2.34, libtorch itself where glibc >= 2.28: build in manylinux_2_28',
  )
  expect(await said({ GLIBC: '2.34' }, { GLIBCXX: '3.4.30' })).toContain(
    "where glibc >= 2.34 and libstdc++'s GLIBCXX >= 3.4.30, libtorch",
  )
  expect(await said({ GLIBC: '2.28', GLIBCXX: '3.4.25' })).toBe('undefined')
})
