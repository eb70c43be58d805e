// Classifies the sample photographs: real labels by EfficientNet-Lite0, checked numbers by both models, a contact sheet.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { scope } from '../../dist/index.js'
import { hasPretrained, ImageClassifier, ResNet } from '../../dist/models/index.js'
import { sampleModels } from '../setup/sample-models.mjs'
import { writeContactSheet } from './contact-sheet.mjs'
import { maxDifference } from './difference.mjs'

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

/** Resolves to whether everything equals Python's. */
export async function classify({ root }) {
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

  const ruled = await ResNet.load(models.resnet18.full)
  const ruledTitle = 'ResNet18 with weights filled by a rule: the numbers are checked, the labels mean nothing'
  const numbered = await classifyAll(ruledTitle, ruled, photos, golden.models.resnet18.photos)
  ruled.dispose()

  if (await hasPretrained('resnet18')) {
    const pretrained = await ResNet.load('timm/resnet18.a1_in1k')
    console.log('\nResNet18 a1_in1k from the local hub cache')
    for (const file of photos) {
      const [[best]] = await pretrained.classify(file, { topK: 1 })
      console.log(
        `  ${file.split('/').pop().padEnd(12)}  ${best.label.padEnd(16)}  ${percent(best.probability).padStart(7)}`,
      )
    }
    pretrained.dispose()
  }

  const sheet = join(root, 'build', 'contact-sheet.png')
  await writeContactSheet(
    sheet,
    labelled.map(({ file, best }) => ({ file, caption: `${best.label} ${percent(best.probability)}` })),
    'china.jpg: danielbuechele, flower.jpg: vultilion (both CC BY 2.0); the others: assets/photos/ATTRIBUTION.md',
  )
  console.log('\ncontact sheet: build/contact-sheet.png')
  return [...labelled, ...numbered].every(({ equal }) => equal)
}
