// A folder of photographs as a stream through ResNet18, as peers/stream.py does it. Argument: JSON {verb ('classify' or
// 'embed'), archive, folder, names (of files there), batch, watchLoop, rows}; rows is the file that takes the vectors of
// embed, float32 little-endian. Prints {imagesPerSecond, seconds, resident, delayP99, delayMax, predictions, failed}: resident
// bytes after each image; delays of the event loop in ms where `watchLoop`; [[index, probability]] of each good image where
// the verb is classify; of each bad one {place, image, message}, its place among all, the path that came back with it and
// what was said of it.
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { ops, scope } from 'node-libtorch'
import { ResNet } from 'node-libtorch/models'

const { verb, archive, folder, names, batch, watchLoop, rows } = JSON.parse(process.argv[2])
const inference = { gradMode: 'inference' }
const predictions = []
const file = rows === undefined ? undefined : openSync(rows, 'w')

/** What the model does of each verb, and where the result of an image goes: memory of ours is not to grow. */
const { run, keep } = {
  classify: {
    run: (pixels) => classifier.forward(pixels, inference),
    keep: (entry) => predictions.push(entry.predictions.map(({ index, probability }) => [index, probability])),
  },
  embed: {
    run: async (pixels) =>
      classifier.forwardHead(await classifier.forwardFeatures(pixels, inference), { preLogits: true, ...inference }),
    keep: ({ embedding }) => writeSync(file, embedding),
  },
}[verb]

async function* stream() {
  for (const name of names) yield join(folder, name)
}

const classifier = await ResNet.load(archive)
await scope(async () => {
  await run(await ops.zeros([batch, 3, 224, 224]))
})

const histogram = monitorEventLoopDelay({ resolution: 1 })
if (watchLoop) histogram.enable()
const resident = []
const failed = []
const start = performance.now()
for await (const entry of classifier[verb](stream(), { batchSize: batch })) {
  if (entry.error) failed.push({ place: resident.length, image: entry.image, message: entry.error.message })
  else keep(entry)
  resident.push(process.memoryUsage.rss())
}
const seconds = (performance.now() - start) / 1000
histogram.disable()
if (file !== undefined) closeSync(file)
const delays = watchLoop ? { delayP99: histogram.percentile(99) / 1e6, delayMax: histogram.max / 1e6 } : {}
classifier.dispose()
const figures = { imagesPerSecond: names.length / seconds, seconds, resident, ...delays }
console.log(JSON.stringify({ ...figures, predictions, failed }))
