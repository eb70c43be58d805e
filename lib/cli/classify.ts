import { Command, Option } from 'commander'
import { nameOfImage } from '../models/feature-rows.js'
import type { ImageClassifier } from '../models/index.js'
import { runImageCommand } from './image-command.js'
import type { FoundImage } from './image-files.js'
import {
  type ImageFlags,
  imagePlaces,
  imagesArgument,
  imagesOptions,
  wholeNumber,
  withImageOptions,
} from './image-options.js'
import { predictionCsv, predictionJson, predictionText } from './prediction-formats.js'

interface Flags extends ImageFlags {
  top: number
  json?: true
  csv?: true
}

function formatOf({ json, csv }: Flags) {
  if (json) return predictionJson()
  return csv ? predictionCsv() : predictionText()
}

async function classify(places: string[], flags: Flags): Promise<void> {
  const { top: topK, model, revision, json } = flags
  async function* run(classifier: ImageClassifier, files: AsyncIterable<FoundImage>, signal: AbortSignal) {
    for await (const { image, predictions, error } of classifier.classify(files, {
      topK,
      ...imagesOptions(flags),
      signal,
    })) {
      const file = nameOfImage(image)
      yield error ? { file, error } : { file, result: predictions }
    }
  }
  await runImageCommand({ places, doing: 'classifying', model, revision, format: formatOf(flags), json, run })
}

const examples = `${imagePlaces} An image that cannot be classified is a failure, and the others are classified.

Examples:
  $ npx node-libtorch classify holiday.jpg
  $ npx node-libtorch classify --top 1 --csv photos/ > labels.csv
  $ find . -newer last-run -name '*.jpg' | npx node-libtorch classify --json -
  $ npx node-libtorch classify - < holiday.jpg
`

export function classifyCommand(): Command {
  const command = new Command('classify')
    .description('say what images show')
    .argument('<files...>', imagesArgument)
    .option('--top <number>', 'classes per image', wholeNumber(100_000), 5)
  return withImageOptions(command)
    .addOption(new Option('--json', 'one JSON array').conflicts('csv'))
    .option('--csv', 'a line per prediction')
    .addHelpText('after', examples)
    .action(classify)
}
