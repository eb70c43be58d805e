// A folder of photographs as a stream through ResNet18, as peers/classify.py does it. Argument: JSON {archive, files,
// batch, watchLoop}. Prints {imagesPerSecond, seconds, resident, delayP99, delayMax, predictions}: resident bytes after
// each image; delays of the event loop in ms where `watchLoop`; [[index, probability]] of each image.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { ops } from 'node-libtorch'
import { ResNet } from 'node-libtorch/models'

const { archive, files, batch, watchLoop } = JSON.parse(process.argv[2])

async function* stream() {
  yield* files
}

const classifier = await ResNet.load(archive)
const blank = await ops.zeros([batch, 3, 224, 224])
const warm = await classifier.forward(blank, { gradMode: 'inference' })
for (const tensor of [warm, blank]) tensor.dispose()

const histogram = monitorEventLoopDelay({ resolution: 1 })
if (watchLoop) histogram.enable()
const resident = []
const predictions = []
const start = performance.now()
for await (const { predictions: found, error } of classifier.classify(stream(), { batchSize: batch })) {
  if (error) throw error
  predictions.push(found.map(({ index, probability }) => [index, probability]))
  resident.push(process.memoryUsage.rss())
}
const seconds = (performance.now() - start) / 1000
histogram.disable()
const delays = watchLoop ? { delayP99: histogram.percentile(99) / 1e6, delayMax: histogram.max / 1e6 } : {}
classifier.dispose()
console.log(JSON.stringify({ imagesPerSecond: files.length / seconds, seconds, resident, ...delays, predictions }))
