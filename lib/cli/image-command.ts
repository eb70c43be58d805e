import { torchError } from '../core/errors.js'
import { scope, type TorchError } from '../index.js'
import type { ImageClassifier } from '../models/index.js'
import { type FoundImage, imageFiles } from './image-files.js'
import type { ImageFormat } from './image-format.js'
import { type ImageProgress, imageBar, imageLines } from './image-progress.js'
import { failureDocument, printJson } from './json-output.js'
import { loadModel, type WantedModel } from './load-model.js'
import { printable } from './printable-text.js'
import { concluded, sayLine } from './verb-ending.js'

/** What a command does with images. Entry: what its verb gives of one, in the order of the files. */
export interface ImageCommand<Result> extends WantedModel {
  places: readonly string[]
  /** 'classifying' */
  doing: string
  format: ImageFormat<Result>
  json: boolean | undefined
  /** Whether stdout stays empty, so that a bar may be shown where both streams are the same terminal. */
  silent?: boolean
  /** Throws what makes the rest of the command pointless, before the model is loaded. */
  check?(): void
  run(
    model: ImageClassifier,
    files: AsyncIterable<FoundImage>,
    signal: AbortSignal,
  ): AsyncIterable<{ file: string; result: Result; error?: undefined } | { file: string; error: TorchError }>
}

/** For the bar alone: what cannot be read is said by the search itself. What stdin has cannot be counted ahead. */
async function countImages(places: readonly string[], signal: AbortSignal): Promise<number | undefined> {
  if (places.includes('-')) return undefined
  let count = 0
  const search = { stdin: process.stdin, signal, onUnreadable() {}, onlyCounts: true }
  for await (const _ of imageFiles(places, search)) {
    if (signal.aborted) return undefined
    count++
  }
  return count
}

const placeName = (place: string) => (place === '-' ? 'standard input' : place)

interface Tally {
  images: number
  failures: number
}

async function printAll<Result>(
  model: ImageClassifier,
  { places, format, run }: ImageCommand<Result>,
  { progress, signal }: { progress: ImageProgress; signal: AbortSignal },
): Promise<Tally> {
  const say = (message: string) => progress.say(`error: ${printable(message)}`)
  const tally = { images: 0, failures: 0 }
  const onUnreadable = (place: string, { message: reason }: Error) => {
    tally.failures++
    const message = `${placeName(place)} cannot be read: ${reason}`
    process.stdout.write(format.failure(place, { code: 'ERR_TORCH_DISK', message }))
    say(message)
  }
  const files = imageFiles(places, { stdin: process.stdin, signal, onUnreadable })
  for await (const entry of run(model, files, signal)) {
    progress.done(++tally.images)
    const { file, error } = entry
    process.stdout.write(error ? format.failure(file, error) : format.image(file, entry.result))
    if (error === undefined) continue
    tally.failures++
    say(error.message)
  }
  return tally
}

function noImages(places: readonly string[]): TorchError {
  const where = places.map(placeName).join(', ')
  return torchError('ERR_TORCH_IMAGE', `Expected images in ${where} but found none`, { details: { reason: 'empty' } })
}

/** Prints what a verb gives of each image. Bad ones are named on stderr; they and no image at all are exit status 1. */
export async function runImageCommand<Result>(command: ImageCommand<Result>): Promise<void> {
  const { places, doing, format, json, silent = false } = command
  let progress: ImageProgress | undefined
  const work = (signal: AbortSignal) =>
    scope(async () => {
      command.check?.()
      const model = await loadModel(command, signal)
      const showsBar = process.stderr.isTTY && (silent || !process.stdout.isTTY) // results on the same terminal are enough
      const shown = showsBar ? imageBar(process.stderr, doing) : imageLines(process.stderr)
      progress = shown
      if (showsBar) countImages(places, signal).then((count) => count && shown.expect(count))
      process.stdout.write(format.begin)
      const { images, failures } = await printAll(model, command, { progress, signal })
      if (images === 0 && failures === 0) throw noImages(places)
      process.stdout.write(format.end)
      if (failures > 0) process.exitCode = 1
    })
  try {
    await concluded(work, {
      json,
      say: (line) => (progress === undefined ? sayLine(line) : progress.say(line)),
      printFailure(failure) {
        if (progress === undefined) printJson(failureDocument(failure))
        else process.stdout.write(`${format.failure(undefined, failure)}${format.end}`)
      },
    })
  } finally {
    progress?.stop()
  }
}
