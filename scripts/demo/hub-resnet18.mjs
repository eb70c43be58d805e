// ResNet18 with timm's own weights, where they lie in the local hub cache, and what timm makes of the same files.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { findInHubCache } from '../../dist/io/index.js'

export const repository = 'timm/resnet18.a1_in1k'
/** Of its model.safetensors, as the hub lists it. */
export const timmsSha256 = '80c49dee3da4822c009c5a7fe591e9223c5a2cfcf95a4067ca4dfb5a7b89c612'

/** {folder, sha256, isTimms}: `isTimms` where the weights are the file `wanted`; undefined where there are none. */
export async function findHubResNet18(wanted) {
  const names = ['config.json', 'model.safetensors']
  const [config, weights] = await Promise.all(names.map((name) => findInHubCache(repository, name)))
  if (config === undefined || weights === undefined) return undefined
  const sha256 = createHash('sha256').update(readFileSync(weights)).digest('hex')
  return { folder: dirname(weights), sha256, isTimms: sha256 === wanted }
}

/** timm run now on the files of the folder: by photograph what test/golden/classify.json has. */
export async function timmsAnswers({ root, folder, photos }) {
  const python = process.env.ORACLE_PYTHON
  if (!python) throw new Error("Expected the oracle's Python in ORACLE_PYTHON: start with `npm run demo`")
  const script = join(root, 'scripts', 'golden', 'classify_folder.py')
  const { stdout } = await promisify(execFile)(python, ['-B', script, folder, ...photos])
  return JSON.parse(stdout)
}
