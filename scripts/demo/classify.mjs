// Classifies the sample photographs: real labels where real weights are, checked numbers by all models, a contact sheet.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { scope } from '../../dist/index.js'
import { ImageClassifier, ResNet } from '../../dist/models/index.js'
import { sampleModels } from '../setup/sample-models.mjs'
import { writeContactSheet } from './contact-sheet.mjs'
import { maxDifference } from './difference.mjs'
import { findHubResNet18, repository, timmsAnswers, timmsSha256 } from './hub-resnet18.mjs'
import { loadRuleFilledResNet18, ruleFilledTitle } from './rule-filled-resnet18.mjs'

const probabilityTolerance = 1e-4
/** Of the logits, in parts of the largest: folding batch norms rounds weights anew. */
const logitTolerance = 1e-5

const percent = (probability) => `${(probability * 100).toFixed(1)} %`

/** One photograph through one model: what it shows, how long that took, and whether Python says the same. */
function classifyPhoto(model, file, golden) {
  return scope(async () => {
    const start = performance.now()
    const [best] = await model.classify(file, { topK: 1 })
    const milliseconds = performance.now() - start
    const pixels = await model.preprocess(file)
    const input = await pixels.data('float32')
    const logits = await (await model.forward(pixels)).data('float32')
    const wanted = golden.top[0]
    const largest = Math.max(...golden.logits.map(Math.abs))
    const checks = {
      input: createHash('sha256').update(input).digest('hex') === golden.inputSha256,
      logits: maxDifference(logits, golden.logits) <= logitTolerance * largest,
      label:
        best[0].index === wanted.index && Math.abs(best[0].probability - wanted.probability) <= probabilityTolerance,
    }
    return { best: best[0], milliseconds, checks }
  })
}

async function classifyAll(title, model, photos, goldens) {
  console.log(`\n${title}`)
  const results = []
  for (const file of photos) {
    const name = file.split('/').pop()
    await model.classify(file) // the first call of a shape also warms TorchScript's executor
    const { best, milliseconds, checks } = await classifyPhoto(model, file, goldens[name])
    const failed = Object.keys(checks).filter((check) => !checks[check])
    const verdict = failed.length === 0 ? 'equal to Python' : `NOT equal to Python: ${failed.join(', ')}`
    const row = [name.padEnd(12), best.label.padEnd(16), percent(best.probability).padStart(7)]
    console.log(`  ${row.join('  ')}  ${milliseconds.toFixed(1).padStart(6)} ms  ${verdict}`)
    results.push({ file, best, milliseconds, equal: failed.length === 0 })
  }
  return results
}

/** Held against timm run on the same files; undefined where the cache has none. */
async function classifyWithHub({ root, hubSha256 }, photos) {
  const found = await findHubResNet18(hubSha256)
  if (found === undefined) {
    console.log(`\n${repository} is not in the local hub cache: npx node-libtorch pull ${repository}`)
    return undefined
  }
  const { folder, sha256, isTimms } = found
  const model = await ResNet.load(folder)
  const goldens = await timmsAnswers({ root, folder, photos })
  const title = isTimms
    ? "ResNet18 a1_in1k with timm's ImageNet weights from the local hub cache: the labels mean what they say"
    : `ResNet18 from ${repository} of the local hub cache, whose weights are another file than timm's (SHA-256 ${sha256})`
  const results = await classifyAll(title, model, photos, goldens)
  model.dispose()
  return { isTimms, results }
}

async function writeSheet(root, { name, results }) {
  await writeContactSheet(
    join(root, 'build', 'contact-sheet.png'),
    results.map(({ file, best }) => ({ file, caption: `${best.label} ${percent(best.probability)}` })),
    'china.jpg: danielbuechele, flower.jpg: vultilion (both CC BY 2.0); the others: assets/photos/ATTRIBUTION.md',
  )
  console.log(`\ncontact sheet, labels by ${name}: build/contact-sheet.png`)
}

/** Resolves to whether everything equals Python's. `hubSha256`: of the weights whose labels mean something. */
export async function classify({ root, hubSha256 = timmsSha256 }) {
  const models = sampleModels(root)
  const golden = JSON.parse(readFileSync(join(root, 'test', 'golden', 'classify.json'), 'utf8'))
  const folder = join(root, 'assets', 'photos')
  const photos = readdirSync(folder)
    .filter((name) => /\.(jpg|png)$/.test(name))
    .map((name) => join(folder, name))

  console.log(
    "'equal to Python': input to the byte, logits to 1e-5 of the largest (folded batch norms), label, 1e-4 of 1",
  )
  const efficientNet = await ImageClassifier.load(models.efficientnetLite0.weights)
  const title = 'EfficientNet-Lite0 with ImageNet weights: the labels mean what they say'
  const labelled = await classifyAll(title, efficientNet, photos, golden.models.tf_efficientnet_lite0.photos)
  efficientNet.dispose()

  const ruleFilled = await loadRuleFilledResNet18(root)
  const ruleFilledNote = `${ruleFilledTitle}: the numbers are checked, the labels mean nothing`
  const numbered = await classifyAll(ruleFilledNote, ruleFilled, photos, golden.models.resnet18.photos)
  ruleFilled.dispose()

  const hub = await classifyWithHub({ root, hubSha256 }, photos)
  const best = hub?.isTimms
    ? { name: 'ResNet18', results: hub.results }
    : { name: 'EfficientNet-Lite0', results: labelled }
  await writeSheet(root, best)
  return [...labelled, ...numbered, ...(hub?.results ?? [])].every(({ equal }) => equal)
}
