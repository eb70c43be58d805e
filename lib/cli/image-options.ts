import { type Command, InvalidArgumentError } from 'commander'
import { defaultMaxPixels } from '../io/image.js'
import type { ImagesOptions } from '../models/index.js'

/** The flags of every command over images. */
export interface ImageFlags {
  batch: number
  maxPixels: number
  autoOrient?: true
  model?: string
  revision?: string
}

/** The options of a verb over images. */
export function imagesOptions({ batch: batchSize, maxPixels, autoOrient }: ImageFlags): ImagesOptions {
  return { batchSize, maxPixels, autoOrient }
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
    .option(
      '--max-pixels <number>',
      'images of more are refused before they are decoded',
      wholeNumber(2 ** 31),
      defaultMaxPixels,
    )
    .option('--auto-orient', 'turn images as their EXIF orientation says (default: as they are stored, as timm does)')

export const imagesArgument = 'images, folders of images, or - for an image or a list of paths on standard input'

/** Of every command over images, for its --help. */
export const imagePlaces = `
Files are taken as they are named, pipes too; of folders, images at any depth (JPEG, PNG, WebP, TIFF, GIF); for - what
standard input has: an image, or paths, one per line or with NUL between them (find -print0). Without --model it takes
timm/resnet18.a1_in1k from the hub's local cache, else EfficientNet-Lite0 from this package's.`
