import cliProgress from 'cli-progress'
import type { HubProgress } from '../io/hub-progress.js'
import type { InstallProgress } from '../io/libtorch-install.js'
import { sayLine } from './verb-ending.js'

type Step = InstallProgress | HubProgress

/** Shows the steps of an installation or of downloads to people. */
export interface ProgressView {
  show(step: Step): void
  /** Leaves the terminal as it was. */
  stop(): void
}

const sentences: Record<Step['phase'], string> = {
  note: 'note:',
  search: 'looking for',
  wait: 'waiting:',
  download: 'downloading',
  retry: 'trying again:',
  pip: 'asking pip for',
  unpack: 'unpacking',
  ask: 'asking the hub for',
  cache: 'using the cache:',
  file: 'complete:',
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)

/** A line for each step, and for each quarter of a long one: for log files. */
export function stepLines(write: (line: string) => void): ProgressView {
  const quarters = new Map<string, number>()
  return {
    show({ phase, subject, done = 0, total }) {
      const name = `${sentences[phase]} ${subject}`
      const quarter = quarters.get(name) ?? 0
      if (!quarters.has(name) || phase === 'retry') {
        write(total === undefined ? name : `${name} (${megabytes(total)} MB)`)
      }
      const reached = total ? Math.floor((done / total) * 4) : 0
      if (reached > quarter) write(`${name}: ${25 * reached} %`)
      quarters.set(name, Math.max(quarter, reached))
    },
    stop() {},
  }
}

const format = '{step} [{bar}] {percentage} % | {megabytes} of {totalMegabytes} MB | {eta_formatted}'

/** One bar that changes in place. */
export function stepBar(stream: NodeJS.WritableStream): ProgressView {
  let bar: cliProgress.SingleBar | undefined
  let step = ''
  const stop = () => {
    bar?.stop()
    bar = undefined
  }
  return {
    show({ phase, subject, done = 0, total }) {
      if (phase === 'file') return // the bar says enough
      const name = `${sentences[phase]} ${subject}`
      if (total === undefined) {
        stop()
        if (name !== step) stream.write(`${name}\n`)
      } else {
        const payload = { step: name, megabytes: megabytes(done), totalMegabytes: megabytes(total) }
        if (name !== step) stop()
        if (bar === undefined) {
          bar = new cliProgress.SingleBar({ stream, format, hideCursor: true }, cliProgress.Presets.shades_classic)
          bar.start(total, done, payload)
        }
        bar.setTotal(total)
        bar.update(done, payload)
      }
      step = name
    },
    stop,
  }
}

/** What suits stderr. */
export function stepProgress(): ProgressView {
  return process.stderr.isTTY ? stepBar(process.stderr) : stepLines(sayLine)
}

/** The result of `steps`, which are shown meanwhile. */
export async function shown<Result>(steps: AsyncGenerator<Step, Result, void>, view: ProgressView): Promise<Result> {
  try {
    for (;;) {
      const { done, value } = await steps.next()
      if (done) return value
      view.show(value)
    }
  } finally {
    view.stop()
  }
}
