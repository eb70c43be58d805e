import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect } from 'vitest'
import { Module } from '../../lib/core/module.js'
import { ops } from '../../lib/core/ops.js'
import type { Tensor } from '../../lib/core/tensor.js'
import { netArchive, oraclePython } from '../support/golden-modules.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { expectAsInPython } from '../support/net-golden.js'

expectNoLeaks()

describe('save', () => {
  scopedTest('writes what load reads, with extra files', async () => {
    const folder = temporaryFolder()
    const module = await Module.load(netArchive)
    await module.define('def twice(self, x):\n    return self.forward(x) * 2\n')
    const extraFiles = { 'a.json': '{"ö": 1}', 'folder/b.txt': '', c: 'x'.repeat(100_000) }
    for (const path of [join(folder, 'one.pt'), pathToFileURL(join(folder, 'zwei ö.pt'))]) {
      await module.save(path, { extraFiles })
      const loaded = await Module.load(path)
      await expectAsInPython(loaded)
      expect(loaded.extraFiles()).toEqual(extraFiles)
      expect(loaded.methods().map(({ name }) => name)).toContain('twice')
    }
    const loaded = await Module.load(await module.toBytes({ extraFiles }))
    expect(loaded.extraFiles()).toEqual(extraFiles)
  })

  scopedTest('writes what Python loads', async () => {
    const folder = temporaryFolder()
    const module = await Module.load(netArchive)
    await ops.fill_((await module.parameters()).get('head.1.bias') as Tensor, 3)
    await module.save(join(folder, 'net.pt'), { extraFiles: { 'meta.json': 'zwölf' } })
    const program = `
import json, sys, torch
files = {"meta.json": ""}
module = torch.jit.load(sys.argv[1], _extra_files=files)
output = module(torch.ones(1, 2, 4, 4)).flatten().tolist()
print(json.dumps([files["meta.json"].decode(), dict(module.named_parameters())["head.1.bias"].tolist(), module.training, output]))`
    const printed = execFileSync(oraclePython, ['-W', 'ignore', '-c', program, join(folder, 'net.pt')], {
      encoding: 'utf8',
    })
    const [file, bias, training, output] = JSON.parse(printed) as [string, number[], boolean, number[]]
    expect([file, bias, training]).toEqual(['zwölf', [3, 3, 3, 3], false])
    const own = [...(await ((await module.forward(await ops.ones([1, 2, 4, 4]))) as Tensor).data())]
    for (const [i, value] of own.entries()) expect(value).toBeCloseTo(output[i] as number, 5)
  })

  scopedTest('rejects places where nothing can be written, and leaves no file behind', async () => {
    const folder = temporaryFolder()
    const module = await Module.fromSource('def forward(self):\n    return 1\n')
    for (const path of [folder, join(folder, 'missing', 'x.pt'), join(netArchive, 'x.pt')]) {
      await expect(module.save(path)).rejects.toMatchObject({ code: 'ERR_TORCH_MODULE_SAVE', operation: 'module.save' })
    }

    expect(readdirSync(folder)).toEqual([])
  })
})
