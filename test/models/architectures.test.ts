import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type ArchitectureName, architectures } from '../../lib/models/index.js'
import { requireArchitecture, weightlessArchive } from '../../lib/models/registry.js'
import { efficientnetLite0, resnet18 } from '../support/sample-photos.js'
import { repositoryRoot } from '../support/source-files.js'

/** npm test makes these anew whenever scripts/export changes, and with PYTHONHASHSEED=0 their bytes say nothing else. */
const exported: Record<ArchitectureName, string> = {
  resnet18: resnet18.weightless,
  tf_efficientnet_lite0: efficientnetLite0.weightless,
}

test.each(Object.entries(exported))('%s ships as the export scripts make it, byte for byte', (name, file) => {
  const shipped = readFileSync(weightlessArchive(name as ArchitectureName))
  expect(shipped.equals(readFileSync(file))).toBe(true)
})

test('every line of the registry has its archive, and the other way round', () => {
  const names = Object.keys(architectures)
  const files = names.map((name) => basename(fileURLToPath(weightlessArchive(name as ArchitectureName))))
  expect(files.sort()).toEqual(readdirSync(join(repositoryRoot, 'data', 'architectures')).sort())
})

test.each(['resnet19', 'toString', '__proto__', '', 5, null, undefined])('%j is no architecture', (name) => {
  expect(() => requireArchitecture(name, 'test')).toThrow(/^Expected one of resnet18, tf_efficientnet_lite0 for arch/)
})
