import { Command, InvalidArgumentError, Option } from 'commander'
import { torchError } from '../core/errors.js'
import { embeddingRows, mapRows } from '../models/feature-rows.js'
import type { ImageClassifier } from '../models/index.js'
import { savedRows } from '../models/saved-rows.js'
import { embeddingCsv, embeddingJson, featureText, nothing, shapeJson } from './feature-formats.js'
import { runImageCommand } from './image-command.js'
import type { FoundImage } from './image-files.js'
import { type ImageFlags, imagePlaces, imagesArgument, imagesOptions, withImageOptions } from './image-options.js'
import { listLayers } from './layer-list.js'

interface Flags extends ImageFlags {
  embed?: true
  layers?: true
  nodes?: string[]
  indices?: number[]
  json?: true
  csv?: true
  output?: string
}

const parts = (text: string) => text.split(',').map((part) => part.trim())

function names(text: string): string[] {
  if (parts(text).every((name) => name !== '')) return parts(text)
  throw new InvalidArgumentError('Expected names with commas between them.')
}

function wholeNumbers(text: string): number[] {
  const numbers = parts(text).map((part) => (/^-?\d+$/.test(part) ? Number(part) : Number.NaN))
  if (numbers.every(Number.isSafeInteger)) return numbers
  throw new InvalidArgumentError('Expected whole numbers with commas between them.')
}

const asksForMaps = ({ nodes, indices }: Flags) => nodes !== undefined || indices !== undefined

function formatOf(flags: Flags) {
  const { json, csv, output } = flags
  if (json) return asksForMaps(flags) || output !== undefined ? shapeJson() : embeddingJson()
  if (csv) return embeddingCsv()
  return output === undefined ? featureText() : nothing()
}

function check(flags: Flags): void {
  if (!flags.csv || !asksForMaps(flags)) return
  const { nodes, indices } = flags
  const received = nodes === undefined ? `--indices ${indices}` : `--nodes ${nodes}`
  const message = `Expected embeddings for --csv, which has a line per image, but received ${received}: --json prints shapes, --output writes maps`
  throw torchError('ERR_TORCH_INVALID_ARGUMENT', message)
}

async function features(places: string[], flags: Flags, command: Command): Promise<void> {
  const { layers, model, revision, nodes, indices, json, output } = flags
  if (layers && places.length > 0) command.error("error: option '--layers' cannot be used with argument 'files'")
  if (layers) return listLayers({ model, revision }, json)
  if (places.length === 0) command.error("error: missing required argument 'files'")
  async function* run(classifier: ImageClassifier, files: AsyncIterable<FoundImage>, signal: AbortSignal) {
    const options = { ...imagesOptions(flags), signal }
    const rows = asksForMaps(flags)
      ? mapRows(classifier, files, { nodes, indices, ...options })
      : embeddingRows(classifier, files, options)
    const kept = output === undefined ? rows : savedRows(rows, output, { signal })
    for await (const { image: file, features: result, error } of kept) yield error ? { file, error } : { file, result }
  }
  await runImageCommand({
    places,
    doing: 'reading features',
    model,
    revision,
    format: formatOf(flags),
    json,
    silent: output !== undefined && !json,
    check: () => check(flags),
    run,
  })
}

const examples = `${imagePlaces} An image that cannot be read is a failure and stops nothing.

Embeddings (the default) are vectors of length 1, the pooled features before the classifier: alike images have a large
dot product. --nodes and --indices ask for feature maps instead, [C, h, w] per image: layers by name, or the model's own
scales, as features_only and out_indices do in timm; --layers lists both. Maps are not printed whole: --json lists their
names and shapes, and --output writes them.

--output writes safetensors, whole or not at all, however many images there are: one float32 tensor 'embeddings' [N, D],
or one [N, C, h, w] per layer, named as the layer. Row i is of the i-th name in the JSON array 'files' of the metadata;
images that failed are in 'failures'. With it --json prints shapes only, and without nothing is printed.

Examples:
  $ npx node-libtorch features photos/ --output photos.safetensors
  $ npx node-libtorch features --layers --model timm/resnet18.a1_in1k
  $ npx node-libtorch features --json holiday.jpg
      [
      {"file":"holiday.jpg","embedding":[0.0173,0.0021, ...]}
      ]
  $ npx node-libtorch features --model timm/resnet18.a1_in1k --nodes layer2,layer3.1.conv2 --json --output maps.safetensors holiday.jpg
      [
      {"file":"holiday.jpg","features":[{"name":"layer2","shape":[128,28,28]},{"name":"layer3.1.conv2","shape":[256,14,14]}]}
      ]
  $ npx node-libtorch features --indices 2,-1 --model timm/resnet18.a1_in1k photos/ --output scales.safetensors
`

export function featuresCommand(): Command {
  const command = new Command('features')
    .description('give the features of images: embeddings, or what layers give')
    .argument('[files...]', imagesArgument)
    .addOption(new Option('--embed', 'a vector of length 1 per image (default)').conflicts(['nodes', 'indices']))
    .addOption(
      new Option('--nodes <names>', 'what these layers give, names with commas between them')
        .argParser(names)
        .conflicts('indices'),
    )
    .option('--indices <numbers>', "which of the model's scales, negative from the end", wholeNumbers)
    .addOption(
      new Option('--layers', "list the model's layers and scales instead, without images").conflicts([
        ...['embed', 'nodes', 'indices', 'csv', 'output'],
      ]),
    )
  return withImageOptions(command)
    .addOption(new Option('--json', 'one JSON array').conflicts('csv'))
    .addOption(new Option('--csv', 'a line per embedding').conflicts('output'))
    .option('--output <file>', 'write a safetensors file')
    .addHelpText('after', examples)
    .action(features)
}
