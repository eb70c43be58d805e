import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { filteredNames } from '../../lib/io/hub-patterns.js'
import { oraclePython } from '../support/golden-modules.js'

const names = [
  ...['config.json', 'unet/config.json', 'unet/a/b.bin', 'a', 'b', 'c', '-', ']', '[', '!', '^', 'ab', 'a.b', 'aXb'],
  ...['é.txt', '😀', 'line\nbreak', 'a+b', '(a)', 'UNET/config.json', '.gitattributes', 'a/b', 'z]x'],
]
const patterns = [
  ...['*', '*.json', 'unet/*', 'unet/', '?', '??', '*/*', '[ab]', '[!ab]', '[a-c]', '[c-a]', '[!c-a]', '[]]', '[!]]'],
  ...['[', '[a', '[!', '[]', '[a-]', '[-a]', '[^a]', '[a-c-e]', 'a.b', 'a+b', '(a)', '\\a', 'unet\\*', 'é*', '', '**'],
  ...['.*', '*.*', 'config', '[[]', '[é]*', '[\\\\]', 'z[]]x'],
]

test('patterns match what they match in Python', { timeout: 120_000 }, async () => {
  const program = `
import json
from huggingface_hub.utils import filter_repo_objects
names, patterns = json.loads(${JSON.stringify(JSON.stringify([names, patterns]))})
print(json.dumps([[list(filter_repo_objects(names, allow_patterns=[p])), list(filter_repo_objects(names, ignore_patterns=p))] for p in patterns]))`
  const { stdout } = await promisify(execFile)(oraclePython, ['-B', '-c', program])
  const ours = patterns.map((pattern) => [
    filteredNames(names, { allow: [pattern] }),
    filteredNames(names, { ignore: pattern }),
  ])
  expect(ours).toEqual(JSON.parse(stdout))
})

test('without patterns all match; what is ignored counts more than what is allowed', () => {
  expect(filteredNames(names, {})).toEqual(names)
  expect(filteredNames(names, { allow: ['a', 'b'], ignore: 'a' })).toEqual(['b'])
  expect(filteredNames(names, { allow: [] })).toEqual([])
})
