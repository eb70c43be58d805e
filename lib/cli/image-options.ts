import { type Command, InvalidArgumentError } from 'commander'

/** The flags of every command over images. */
export interface ImageFlags {
  batch: number
  model?: string
}

export function wholeNumber(largest: number) {
  return (text: string) => {
    const value = /^\d+$/.test(text) ? Number(text) : 0
    if (value >= 1 && value <= largest) return value
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${largest}.`)
  }
}

export const withImageOptions = (command: Command) =>
  command
    .option(
      '--model <source>',
      'a TorchScript archive, a folder with config.json and model.safetensors, or a repository',
    )
    .option('--batch <number>', 'images that go through the model together', wholeNumber(4096), 8)

/** Of every command over images, for its --help. */
export const imagePlaces = `
Files are taken as they are named; of folders, images at any depth (JPEG, PNG, WebP, TIFF, GIF); for - the paths that
standard input lists, one per line. Without --model it takes timm/resnet18.a1_in1k from the hub's local cache, else
EfficientNet-Lite0 from this package's.`
