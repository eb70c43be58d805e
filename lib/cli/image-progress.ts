import cliProgress from 'cli-progress'

/** What people see on stderr while images go through a model. */
export interface ImageProgress {
  /** How many there will be, when it is known. */
  expect(total: number): void
  done(count: number): void
  /** A line that stays. */
  say(line: string): void
  /** Leaves the terminal as it was. */
  stop(): void
}

export function imageLines(stream: NodeJS.WritableStream): ImageProgress {
  return { expect() {}, done() {}, say: (line) => stream.write(`${line}\n`), stop() {} }
}

/** A bar in the last line, lines above it. doing: 'classifying'. */
export function imageBar(stream: NodeJS.WritableStream, doing: string): ImageProgress {
  const bars = new cliProgress.MultiBar(
    {
      stream,
      format: `${doing} [{bar}] {value} of {total} images | {eta_formatted}`,
      hideCursor: true,
      clearOnComplete: true,
      forceRedraw: true,
      gracefulExit: false,
    },
    cliProgress.Presets.shades_classic,
  )
  const bar = bars.create(1, 0)
  let total: number | undefined
  return {
    expect(count) {
      total = count
      bar.setTotal(count)
    },
    done(count) {
      if (total === undefined) bar.setTotal(count + 1)
      bar.update(count)
    },
    say: (line) => bars.log(`${line}\n`),
    stop() {
      bars.update() // writes the lines that wait
      bars.stop()
    },
  }
}
