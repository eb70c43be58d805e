/**
 * A step of a call of `hub`. `subject` is a repository or file, or for 'wait', 'retry' and 'cache' a sentence.
 * 'cache': the hub cannot be asked, so that what the cache has is taken. 'file': this file is complete.
 */
export interface HubProgress {
  phase: 'ask' | 'wait' | 'download' | 'retry' | 'cache' | 'file'
  subject: string
  /** Bytes of all files of the call so far, of `total`. */
  done?: number
  total?: number | undefined
}

export type ReportHubProgress = (progress: HubProgress) => void

/** Whether a report only goes on with what the one before it said. */
export function replaces(next: HubProgress, previous: HubProgress): boolean {
  return next.phase === 'download' && previous.phase === 'download'
}

interface Part {
  received: number
  /** undefined: not known. */
  total: number | undefined
}

/** The bytes of several files that arrive at the same time. */
export class HubTransfer {
  readonly #subject: string
  readonly #report: ReportHubProgress
  readonly #parts = new Map<string, Part>()
  readonly #sum = { done: 0, total: 0, unknown: 0 }

  constructor(subject: string, report: ReportHubProgress) {
    this.#subject = subject
    this.#report = report
  }

  /** A file that will be fetched. */
  expect(blob: string, total: number | undefined): void {
    this.#put(blob, { received: 0, total })
  }

  received(blob: string, received: number, total: number | undefined): void {
    this.#put(blob, { received, total: total ?? this.#parts.get(blob)?.total })
    const { done, total: sum, unknown } = this.#sum
    this.#report({ phase: 'download', subject: this.#subject, done, total: unknown > 0 ? undefined : sum })
  }

  /** A file that was expected but came in another way. */
  skip(blob: string): void {
    const total = this.#parts.get(blob)?.total
    if (total !== undefined) this.received(blob, total, total)
  }

  #put(blob: string, part: Part): void {
    const before = this.#parts.get(blob)
    if (before !== undefined) this.#count(before, -1)
    this.#count(part, 1)
    this.#parts.set(blob, part)
  }

  #count({ received, total }: Part, sign: 1 | -1): void {
    this.#sum.done += sign * received
    if (total === undefined) this.#sum.unknown += sign
    else this.#sum.total += sign * total
  }
}
