// The order of a state is that of PyTorch: who saves one and reads it in Python finds what Python would have written.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { architectures, ImageClassifier, ResNet } from '../../lib/models/index.js'
import type { ArchitectureName } from '../../lib/models/registry.js'
import { oraclePython } from '../support/golden-modules.js'
import { expectNoLeaks, scopedTest } from '../support/handles.js'
import { repositoryRoot } from '../support/source-files.js'

expectNoLeaks()

async function inTimm(): Promise<Record<string, string[]>> {
  const program = `
import json, sys
sys.path.append(${JSON.stringify(join(repositoryRoot, 'scripts', 'export'))})
import torchvision_operators  # before timm
import timm
names = ${JSON.stringify(Object.keys(architectures))}
states = {name: list(timm.create_model(name).state_dict()) for name in names}
states["headless"] = list(timm.create_model("resnet18", num_classes=0).state_dict())
print(json.dumps(states))`
  const { stdout } = await promisify(execFile)(oraclePython, ['-B', '-c', program])
  return JSON.parse(stdout)
}

const keys = async (model: ImageClassifier) => [...(await model.stateDict()).keys()]

scopedTest('is that of timm for every architecture, also once it has been changed', async () => {
  const wanted = await inTimm()
  for (const architecture of Object.keys(architectures) as ArchitectureName[]) {
    const model = await ImageClassifier.load({ architecture, random: 1 }, { optimize: 'none' })
    expect(await keys(model), architecture).toEqual(wanted[architecture])
    model.dispose()
  }
  const model = await ResNet.load({ architecture: 'resnet18', random: 1 }, { optimize: 'none' })
  for (const changed of [await model.resetClassifier(3), await model.resetClassifier(3, { dropRate: 0.5 })]) {
    expect(await keys(changed)).toEqual(wanted.resnet18)
  }
  expect(await keys(await model.resetClassifier(0))).toEqual(wanted.headless)
  expect(wanted.resnet18?.slice(1, 6)).toEqual([
    ...['bn1.weight', 'bn1.bias', 'bn1.running_mean', 'bn1.running_var', 'bn1.num_batches_tracked'],
  ])
})
