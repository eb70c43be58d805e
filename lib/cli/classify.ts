import { Command, InvalidArgumentError, Option } from 'commander'
import { scope } from '../index.js'
import { ImageClassifier } from '../models/index.js'
import { type ClassifyProgress, plainProgress, terminalProgress } from './classify-progress.js'
import { defaultModel } from './default-model.js'
import { imageFiles } from './image-files.js'
import { csvFormat, jsonFormat, type PredictionFormat, printable, textFormat } from './prediction-formats.js'
import { concluded } from './verb-ending.js'

interface Flags {
  top: number
  batch: number
  model?: string
  json?: true
  csv?: true
}

function wholeNumber(largest: number) {
  return (text: string) => {
    const value = /^\d+$/.test(text) ? Number(text) : 0
    if (value >= 1 && value <= largest) return value
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${largest}.`)
  }
}

/** For the bar alone: what cannot be read is said by the search itself. Lines of stdin cannot be counted ahead. */
async function countImages(places: readonly string[], signal: AbortSignal): Promise<number | undefined> {
  if (places.includes('-')) return undefined
  let count = 0
  const search = { stdin: process.stdin, signal, onUnreadable() {} }
  for await (const _ of imageFiles(places, search)) {
    if (signal.aborted) return undefined
    count++
  }
  return count
}

interface Tally {
  images: number
  failures: number
}

async function classifyPlaces(
  places: readonly string[],
  { top: topK, batch: batchSize, model: source }: Flags,
  { format, progress, signal }: { format: PredictionFormat; progress: ClassifyProgress; signal: AbortSignal },
): Promise<Tally> {
  const say = (message: string) => progress.say(`error: ${printable(message)}`)
  const tally = { images: 0, failures: 0 }
  const onUnreadable = (place: string, { message }: Error) => {
    tally.failures++
    say(`${place} cannot be read: ${message}`)
  }
  return scope(async () => {
    const model = await ImageClassifier.load(source ?? (await defaultModel()))
    const files = imageFiles(places, { stdin: process.stdin, signal, onUnreadable })
    process.stdout.write(format.begin)
    try {
      for await (const { image, predictions, error } of model.classify(files, { topK, batchSize, signal })) {
        const file = image as string
        progress.done(++tally.images)
        process.stdout.write(error ? format.failure(file, error) : format.image(file, predictions))
        if (error === undefined) continue
        tally.failures++
        say(error.message)
      }
    } finally {
      process.stdout.write(format.end)
    }
    return tally
  })
}

function formatOf({ json, csv }: Flags): PredictionFormat {
  if (json) return jsonFormat()
  return csv ? csvFormat() : textFormat()
}

async function classify(places: string[], flags: Flags): Promise<void> {
  const showsBar = process.stderr.isTTY && !process.stdout.isTTY // results on the same terminal are progress enough
  const progress = showsBar ? terminalProgress(process.stderr) : plainProgress(process.stderr)
  const work = async (signal: AbortSignal) => {
    if (showsBar) countImages(places, signal).then((count) => count && progress.expect(count))
    const { images, failures } = await classifyPlaces(places, flags, { format: formatOf(flags), progress, signal })
    if (images === 0 && failures === 0) progress.say('error: no images found')
    if (images === 0 || failures > 0) process.exitCode = 1
  }
  try {
    await concluded(work, {
      interrupted: () => progress.say('interrupted'),
      failed: ({ message }) => progress.say(`error: ${message}`),
    })
  } finally {
    progress.stop()
  }
}

const examples = `
Files are taken as they are named; of folders, images at any depth (JPEG, PNG, WebP, TIFF, GIF); for - the paths that
standard input lists, one per line. Without --model it takes timm/resnet18.a1_in1k from the hub's local cache, else
EfficientNet-Lite0 from this package's. An image that cannot be classified is a failure, and the others are classified.

Examples:
  $ npx node-libtorch classify holiday.jpg
  $ npx node-libtorch classify --top 1 --csv photos/ > labels.csv
  $ find . -newer last-run -name '*.jpg' | npx node-libtorch classify --json -
`

export function classifyCommand(): Command {
  return new Command('classify')
    .description('say what images show')
    .argument('<files...>', 'images, folders of images, or - for a list of paths on standard input')
    .option('--top <number>', 'classes per image', wholeNumber(100_000), 5)
    .option(
      '--model <source>',
      'a TorchScript archive, a folder with config.json and model.safetensors, or a repository',
    )
    .option('--batch <number>', 'images that go through the model together', wholeNumber(4096), 8)
    .addOption(new Option('--json', 'one JSON array').conflicts('csv'))
    .option('--csv', 'a line per prediction')
    .addHelpText('after', examples)
    .action(classify)
}
