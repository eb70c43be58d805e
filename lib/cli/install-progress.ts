import cliProgress from 'cli-progress'
import type { InstallProgress } from '../io/libtorch-install.js'

/** Shows the progress of an installation to people. */
export interface ProgressView {
  show(progress: InstallProgress): void
  /** Leaves the terminal as it was. */
  stop(): void
}

const sentences: Record<InstallProgress['phase'], string> = {
  search: 'looking for',
  wait: 'waiting:',
  download: 'downloading',
  retry: 'trying again:',
  pip: 'asking pip for',
  unpack: 'unpacking',
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)

/** A line for each step, and for each quarter of a long one: for log files. */
export function plainProgress(write: (line: string) => void): ProgressView {
  let step = ''
  let quarter = 0
  return {
    show({ phase, subject, done = 0, total }) {
      const name = `${sentences[phase]} ${subject}`
      if (name !== step || phase === 'retry') {
        step = name
        quarter = 0
        write(total === undefined ? name : `${name} (${megabytes(total)} MB)`)
      }
      const reached = total ? Math.floor((done / total) * 4) : 0
      if (reached > quarter) write(`${name}: ${25 * reached} %`)
      quarter = Math.max(quarter, reached)
    },
    stop() {},
  }
}

const format = '{step} [{bar}] {percentage} % | {megabytes} of {totalMegabytes} MB | {eta_formatted}'

/** One bar that changes in place. */
export function terminalProgress(stream: NodeJS.WritableStream): ProgressView {
  let bar: cliProgress.SingleBar | undefined
  let step = ''
  const stop = () => {
    bar?.stop()
    bar = undefined
  }
  return {
    show({ phase, subject, done = 0, total }) {
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
        bar.update(done, payload)
      }
      step = name
    },
    stop,
  }
}
