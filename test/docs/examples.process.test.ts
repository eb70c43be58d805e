// The examples of README.md and MODELS.md run, and print what they should.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { runNode } from '../support/child-script.js'
import { startFakeHub } from '../support/fake-hub.js'
import { bareHub } from '../support/hub-environment.js'
import { efficientnetLite0 } from '../support/sample-photos.js'
import { repositoryRoot } from '../support/source-files.js'

// Inside the package, so that they may import it by its name.
const folder = join(repositoryRoot, 'build', `examples-${process.pid}`)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A row whose second cell is code and nothing else. */
const rowOfCode = /^\|[^\n]*? \| `([^\n]+)` \|$/gm

/** Each code block with the lines of code in the table right behind it, which use its names. */
function examplesOf(document: string): string[] {
  const text = readFileSync(join(repositoryRoot, document), 'utf8')
  return [...text.matchAll(/```js\n(.*?)```\n((?:\n\|[^\n]*(?:\n\|[^\n]*)*)?)/gs)].map(([, code = '', table = '']) => {
    const rows = [...table.matchAll(rowOfCode)].map(([, row]) => `{ ${row} }\n`)
    return rows.length === 0 ? code : `${code}${rows.join('')}console.log('${rows.length} rows')\n`
  })
}

/** What each example prints, in the document's order. */
const printed: Record<string, RegExp[]> = {
  'README.md': [
    /^espresso 0\.951/,
    /^\[ \[ 0n, 2n \], \[ 1n, 2n \], \[ 2n, 1n \] \]\n$/,
    /module: 'layer4', channels: 512, reduction: 32.*\[ 1, 10 \].*\[ 1, 128, 28, 28 \], \[ 1, 256, 14, 14 \]/s,
    /\[\[0\.6652, 0\.2447\],\n \[0\.6652, 0\.2447\]\]\n\[ \[ 2n, 1n \], \[ 2n, 1n \] \]/,
    /\[ 1, 1000 \] \[ 1, 512, 7, 7 \]/,
    /\[ 2, 4 \]/,
    /tensors: 1, modules: 0/,
    /^ERR_TORCH_MODULE_RUN mat1 and mat2 shapes cannot be multiplied/,
  ],
  'MODELS.md': [
    /^tf_efficientnet_lite0 \[ 3, 288, 288 \] 10 \[ 1, 2048, 8, 8 \]\n$/,
    /^\[ { names: \[ 'cat' \] }, { names: \[ 'dog' \] } \] 0\.95\n$/,
    /^resnet18 1000 512\n19 rows\n$/,
    /^296 undefined\n(\d+ 18802848\n)+ask timm.*\nfile config\.json\ntf_efficientnet_lite0 \S+\/model\.safetensors\nask timm.*\n9 rows\n$/s,
    /^\[ 'one', 'table' \] { format: 'pt' } true \[ 10, 4 \]\n.*shape: \[ 100, 4 \], bytes: 1600 }\n5 rows\n$/s,
    /coffee\.png espresso\npackage\.json ERR_TORCH_IMAGE\nassets\/photos\/flower\.jpg \w/,
  ],
}

/** Runs it on a machine with an empty cache, whose hub has one repository. */
async function run(name: string, code: string) {
  const content = (file: string, large: boolean) => ({
    ...{ name: file, large },
    bytes: readFileSync(join(efficientnetLite0.weights, file)),
  })
  const hub = await startFakeHub(content('config.json', false), content('model.safetensors', true))
  hub.repository = 'timm/tf_efficientnet_lite0.in1k'
  const { variables } = bareHub(hub)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, name)
  writeFileSync(file, code)
  return runNode([file], { env: { ...variables, TMPDIR: folder } })
}

describe.each(Object.entries(printed))('%s', (document, outputs) => {
  const examples = examplesOf(document)

  test('has as many examples as this test knows', () => {
    expect(examples).toHaveLength(outputs.length)
  })

  test.each(examples.map((code, i) => ({ code, i })))(
    'example $i runs and prints what it should',
    async ({ code, i }) => {
      const { code: status, stdout, stderr } = await run(`${document}-${i}.mjs`, code)
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      expect(stdout).toMatch(outputs[i] as RegExp)
    },
  )
})
