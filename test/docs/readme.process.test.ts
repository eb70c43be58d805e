import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code = '']) => code)
// Inside the package, so that it may import itself by its name.
const folder = join(root, 'build', `readme-${process.pid}`)

/** What each example prints, in the README's order. */
const printed = [
  /^espresso 0\.951/,
  /^\[ \[ 0n, 2n \], \[ 1n, 2n \], \[ 2n, 1n \] \]\n$/,
  /module: 'layer4', channels: 512, reduction: 32.*\[ 1, 10 \].*\[ 1, 128, 28, 28 \], \[ 1, 256, 14, 14 \]/s,
  /\[\[0\.6652, 0\.2447\],\n \[0\.6652, 0\.2447\]\]\n\[ \[ 2n, 1n \], \[ 2n, 1n \] \]/,
  /\[ 1, 1000 \] \[ 1, 512, 7, 7 \]/,
  /\[ 2, 4 \]/,
  /tensors: 1, modules: 0/,
  /^ERR_TORCH_MODULE_RUN mat1 and mat2 shapes cannot be multiplied/,
]

describe('the README', () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('has as many examples as this test knows', () => {
    expect(examples).toHaveLength(printed.length)
  })

  it.each(examples.map((code, i) => ({ code, i })))('example $i runs and prints what it should', ({ code, i }) => {
    mkdirSync(folder, { recursive: true })
    const file = join(folder, `example-${i}.mjs`)
    writeFileSync(file, code)
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: root, encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(printed[i] as RegExp)
  })
})
