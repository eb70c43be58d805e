// Test runners such as Jest load a package into a vm context, with built-in classes of its own.
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { distIndex, runNode } from '../support/child-script.js'
import { programUrl } from '../support/program.js'

test('in a vm context dicts arrive whole, and results and errors come back', async () => {
  const program = `
import { Module, Tensor, TorchError, ops, scope } from './index.js'
const module = await Module.fromSource(\`
def size(self, d: Dict[str, int]) -> int:
    return len(d)
def numbers(self) -> Dict[str, int]:
    return {'a': 1, 'b': 2}
def fail(self) -> int:
    assert False, 'no'
\`)
const failure = await module.call('fail').catch((error) => error)
const sum = await scope(() => ops.add(Tensor.from([1, 2]), 1))
console.log(JSON.stringify({
  ofMap: await module.call('size', [new Map([['a', 1], ['b', 2]])]),
  ofObject: await module.call('size', [{ a: 1, b: 2, c: 3 }]),
  numbers: [...(await module.call('numbers'))],
  isOurs: failure instanceof TorchError,
  sum: [...(await sum.data())],
}))`
  const file = fileURLToPath(programUrl('vm-context.mjs'))
  const { code, stdout, stderr } = await runNode(['--experimental-vm-modules', file, distIndex, program])
  expect({
    code,
    problems: stderr.split('\n').filter((line) => line !== '' && !/Warning|trace-warnings/.test(line)),
  }).toEqual({
    code: 0,
    problems: [],
  })
  const isOurs = true
  expect(JSON.parse(stdout)).toEqual({
    ofMap: 2,
    ofObject: 3,
    numbers: [
      ['a', 1],
      ['b', 2],
    ],
    isOurs,
    sum: [2, 3],
  })
})
