import { type Command, InvalidArgumentError } from 'commander'

/** The flags of every command over images. */
export interface ImageFlags {
  batch: number
  model?: string
  revision?: string
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
    .option('--revision <name>', 'of a repository: a branch, a tag or a commit (default: main)')
    .option('--batch <number>', 'images that go through the model together', wholeNumber(4096), 8)

export const imagesArgument = 'images, folders of images, or - for an image or a list of paths on standard input'

/** Of every command over images, for its --help. */
export const imagePlaces = `
Files are taken as they are named; of folders, images at any depth (JPEG, PNG, WebP, TIFF, GIF); for - what
standard input has: an image, or paths, one per line or with NUL between them (find -print0). Without --model it takes
timm/resnet18.a1_in1k from the hub's local cache, else EfficientNet-Lite0 from this package's.`
