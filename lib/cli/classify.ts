import { Command, Option } from 'commander'
import type { ImageClassifier } from '../models/index.js'
import { runImageCommand } from './image-command.js'
import { type ImageFlags, imagePlaces, wholeNumber, withImageOptions } from './image-options.js'
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
  const { top: topK, batch: batchSize, model, json } = flags
  async function* run(classifier: ImageClassifier, files: AsyncIterable<string>, signal: AbortSignal) {
    for await (const { image, predictions, error } of classifier.classify(files, { topK, batchSize, signal })) {
      const file = image as string
      yield error ? { file, error } : { file, result: predictions }
    }
  }
  await runImageCommand({ places, doing: 'classifying', model, format: formatOf(flags), json, run })
}

const examples = `${imagePlaces} An image that cannot be classified is a failure, and the others are classified.

Examples:
  $ npx node-libtorch classify holiday.jpg
  $ npx node-libtorch classify --top 1 --csv photos/ > labels.csv
  $ find . -newer last-run -name '*.jpg' | npx node-libtorch classify --json -
`

export function classifyCommand(): Command {
  const command = new Command('classify')
    .description('say what images show')
    .argument('<files...>', 'images, folders of images, or - for a list of paths on standard input')
    .option('--top <number>', 'classes per image', wholeNumber(100_000), 5)
  return withImageOptions(command)
    .addOption(new Option('--json', 'one JSON array').conflicts('csv'))
    .option('--csv', 'a line per prediction')
    .addHelpText('after', examples)
    .action(classify)
}
