// Versions of everything that takes part, asked of what really runs.
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { measureInChild } from './child.mjs'

const libtorchScript = `
  import { libtorch } from 'node-libtorch'
  await libtorch.boot()
  console.log(JSON.stringify((await libtorch.info()).version))`

const pythonScript = `
import json, platform, torch
from importlib.metadata import version
print(json.dumps({'python': platform.python_version(), 'torch': torch.__version__, 'timm': version('timm')}))`

function packageVersion(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version
}

async function libtorchVersion(root) {
  const args = ['--input-type=module', '--eval', libtorchScript]
  return (await measureInChild(process.execPath, args, { cwd: root })).result
}

export async function collectVersions({ root, oraclePython, peers }) {
  const { result: python } = await measureInChild(oraclePython, ['-c', pythonScript], { cwd: root })
  return {
    'node-libtorch': packageVersion(root),
    libtorch: await libtorchVersion(root),
    node: process.versions.node,
    'onnxruntime-node': packageVersion(peers.onnxruntime),
    ...python,
    kernel: release(),
  }
}
