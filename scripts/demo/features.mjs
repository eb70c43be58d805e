// What a network sees before it names anything: scales, an embedding and its neighbours, and where the evidence lies.
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { scope } from '../../dist/index.js'
import { ImageClassifier } from '../../dist/models/index.js'
import { sampleModels } from '../setup/sample-models.mjs'
import { writeContactSheet } from './contact-sheet.mjs'
import { maxDifference } from './difference.mjs'
import { heatPicture } from './heat-picture.mjs'
import { writeHeatSheet } from './heat-sheet.mjs'
import { loadRuleFilledResNet18, ruleFilledTitle } from './rule-filled-resnet18.mjs'

const chosen = 'chelsea.png'
const panelWidth = 520
/** In parts of the largest value: threads and instruction sets alone move results by 4e-6 of it. */
const tolerance = 1e-5
const credits =
  'china.jpg: danielbuechele, flower.jpg: vultilion (both CC BY 2.0); the others: assets/photos/ATTRIBUTION.md'

const verdict = (equal) => (equal ? 'equal to Python' : 'NOT equal to Python')
const percent = (probability) => `${(probability * 100).toFixed(1)} %`
const largest = (values) => Math.max(...values.map(Math.abs))
const equals = (actual, expected) => maxDifference(actual, expected) <= tolerance * largest(expected)
/** A golden of a large tensor holds some of its values. */
const equalsSample = (actual, { positions, values }) =>
  equals(
    positions.map((position) => actual[position]),
    values,
  )

/** Cosine: of vectors of length 1 the dot product. */
const cosine = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0)

/** One photograph's feature maps: what they are, and whether Python says the same. */
function scalesOf(model, file, golden) {
  return scope(async () => {
    const maps = await model.features(file)
    return Promise.all(
      maps.map(async (map, i) => {
        const { module, channels, reduction } = model.featureInfo[i]
        const wanted = golden[i]
        const same = module === wanted.module && channels === wanted.channels && reduction === wanted.reduction
        const shaped = String(map.shape) === String(wanted.shape)
        const equal = same && shaped && equalsSample(await map.data('float32'), wanted)
        return { module, channels, reduction, shape: map.shape, equal }
      }),
    )
  })
}

function printScales(scales) {
  console.log('  scales')
  for (const { module, channels, reduction, shape, equal } of scales) {
    const row = [module.padEnd(9), `${channels} channels`.padStart(13), `1/${reduction}`.padStart(5)]
    console.log(`    ${row.join(' ')}  ${`[${shape.join(', ')}]`.padEnd(18)} ${verdict(equal)}`)
  }
}

/** All photographs through one model: their features, and whether all of them equal Python's. */
async function look(model, photos, golden) {
  const rows = photos.map((file) => golden.photos[basename(file)])
  const embeddings = await model.embed(photos)
  const heatMaps = await model.heatMap(photos)
  const cosines = embeddings.map((own) => embeddings.map((other) => cosine(own, other)))
  const scales = []
  for (const [i, file] of photos.entries()) scales.push(await scalesOf(model, file, rows[i].scales))
  const sameHeat = ({ index, height, width, values }, wanted) =>
    index === wanted.index && height === wanted.height && width === wanted.width && equals(values, wanted.values)
  const checks = {
    scales: scales.flat().every(({ equal }) => equal),
    embeddings: embeddings.every((embedding, i) => equalsSample(embedding, rows[i].embedding)),
    cosines: equals(cosines.flat(), golden.cosines.flat()),
    'heat maps': heatMaps.every((heatMap, i) => sameHeat(heatMap, rows[i].heatMap)),
  }
  return { heatMaps, cosines, scales, checks }
}

function printChecks(checks) {
  const rows = Object.entries(checks).map(([name, equal]) => `${name} ${verdict(equal)}`)
  console.log(`  all photographs: ${rows.join(', ')}`)
}

/** The other photographs, the most alike first. */
const neighbours = (photos, cosines, own) =>
  photos
    .map((file, i) => ({ file, cosine: cosines[own][i] }))
    .filter((_, i) => i !== own)
    .sort((a, b) => b.cosine - a.cosine)

async function drawHeat(target, { photos, heatMaps, own, preprocessing }) {
  const drawn = []
  for (const [i, file] of photos.entries()) {
    const { label, probability } = heatMaps[i]
    const picture = await heatPicture(file, heatMaps[i], { preprocessing, width: panelWidth })
    drawn.push({ file, picture, name: basename(file), caption: `${label} ${percent(probability)}` })
  }
  const others = drawn.filter((_, i) => i !== own)
  await writeHeatSheet(target, drawn[own], others, { panelWidth, credits })
}

/** Resolves to whether everything equals Python's. */
export async function features({ root }) {
  const models = sampleModels(root)
  const golden = JSON.parse(readFileSync(join(root, 'test', 'golden', 'features.json'), 'utf8'))
  const folder = join(root, 'assets', 'photos')
  const photos = readdirSync(folder)
    .filter((name) => /\.(jpg|png)$/.test(name))
    .sort()
    .map((name) => join(folder, name))
  const own = photos.findIndex((file) => basename(file) === chosen)

  const efficientNet = await ImageClassifier.load(models.efficientnetLite0.weights)
  console.log(`\nEfficientNet-Lite0 with ImageNet weights: ${chosen}`)
  const seen = await look(efficientNet, photos, golden.models.tf_efficientnet_lite0)
  printScales(seen.scales[own])
  const nearest = neighbours(photos, seen.cosines, own)
  console.log('  nearest by embedding (cosine)')
  for (const { file, cosine } of nearest) console.log(`    ${basename(file).padEnd(12)} ${cosine.toFixed(3)}`)
  const { label, probability, height, width } = seen.heatMaps[own]
  console.log(`  heat map of ${label} (${percent(probability)}): ${height} x ${width} cells`)
  printChecks(seen.checks)
  const { preprocessing } = efficientNet
  efficientNet.dispose()

  const ruleFilled = await loadRuleFilledResNet18(root)
  console.log(`\n${ruleFilledTitle}: the numbers are checked, they mean nothing`)
  const numbered = await look(ruleFilled, photos, golden.models.resnet18)
  printScales(numbered.scales[own])
  printChecks(numbered.checks)
  ruleFilled.dispose()

  const alike = nearest.map(({ file, cosine }) => ({ file, caption: `${basename(file)} ${cosine.toFixed(3)}` }))
  const sheet = [{ file: photos[own], caption: `like ${chosen}:` }, ...alike]
  await writeContactSheet(join(root, 'build', 'nearest.png'), sheet, credits)
  const heat = { photos, heatMaps: seen.heatMaps, own, preprocessing }
  await drawHeat(join(root, 'build', 'heat-map.png'), heat)
  console.log('\ncontact sheet: build/nearest.png, heat maps: build/heat-map.png')
  return [seen, numbered].every(({ checks }) => Object.values(checks).every(Boolean))
}
