// What the steps that are still to be done will put on the disk, each as a list of [folder, gigabytes, what else helps].
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, libtorchFolder, libtorchInstalled } from './libtorch.mjs'

/** The figures are those of `du` after a first run, rounded up. A step that was done before has its space already. */
export function diskNeeds(root) {
  const inRepository = (done, gigabytes) =>
    existsSync(join(root, done)) ? [] : [[root, gigabytes, 'move the repository to another disk']]
  return {
    libtorch(version, variant) {
      if (libtorchInstalled(libtorchFolder(version, variant))) return []
      return [[cacheFolder, variant === 'cu' ? 8 : 3, 'set XDG_CACHE_HOME to another place']]
    },
    nodeModules: () => inRepository('node_modules/.package-lock.json', 0.3),
    native: (minor) => inRepository(`addons/torch-${minor}/build/Release/torch.node`, 0.9),
    oracle: () => inRepository('.oracle/.setup-stamp', 0.3),
    sampleModels: () => inRepository('.artifacts/resnet18.pt', 0.1),
  }
}
