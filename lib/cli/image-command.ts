import { scope, type TorchError } from '../index.js'
import { ImageClassifier } from '../models/index.js'
import { defaultModel } from './default-model.js'
import { imageFiles } from './image-files.js'
import type { ImageFormat } from './image-format.js'
import { type ImageProgress, plainProgress, terminalProgress } from './image-progress.js'
import { printable } from './printable-text.js'
import { concluded } from './verb-ending.js'

/** What a command does with images. Entry: what its verb gives of one, in the order of the files. */
export interface ImageCommand<Result> {
  places: readonly string[]
  /** 'classifying' */
  doing: string
  model: string | undefined
  format: ImageFormat<Result>
  /** Whether stdout stays empty, so that a bar may be shown where both streams are the same terminal. */
  silent?: boolean
  /** Throws what makes the rest of the command pointless, before the model is loaded. */
  check?(): void
  run(
    model: ImageClassifier,
    files: AsyncIterable<string>,
    signal: AbortSignal,
  ): AsyncIterable<{ file: string; result: Result; error?: undefined } | { file: string; error: TorchError }>
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

async function printAll<Result>(
  { places, model: source, format, run }: ImageCommand<Result>,
  { progress, signal }: { progress: ImageProgress; signal: AbortSignal },
): Promise<Tally> {
  const say = (message: string) => progress.say(`error: ${printable(message)}`)
  const tally = { images: 0, failures: 0 }
  const onUnreadable = (place: string, { message }: Error) => {
    tally.failures++
    say(`${place} cannot be read: ${message}`)
  }
  return scope(async () => {
    const model = await ImageClassifier.load(source ?? (await defaultModel()), { signal })
    const files = imageFiles(places, { stdin: process.stdin, signal, onUnreadable })
    process.stdout.write(format.begin)
    try {
      for await (const entry of run(model, files, signal)) {
        progress.done(++tally.images)
        const { file, error } = entry
        process.stdout.write(error ? format.failure(file, error) : format.image(file, entry.result))
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

/** Prints what a verb gives of each image. Bad ones are named on stderr; they and no image at all are exit status 1. */
export async function runImageCommand<Result>(command: ImageCommand<Result>): Promise<void> {
  const { places, doing, silent = false } = command
  const showsBar = process.stderr.isTTY && (silent || !process.stdout.isTTY) // results on the same terminal are enough
  const progress = showsBar ? terminalProgress(process.stderr, doing) : plainProgress(process.stderr)
  const work = async (signal: AbortSignal) => {
    command.check?.()
    if (showsBar) countImages(places, signal).then((count) => count && progress.expect(count))
    const { images, failures } = await printAll(command, { progress, signal })
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
