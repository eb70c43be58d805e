/** Whoever awaits it in its turn hears of a failure; until then it is nobody's unhandled rejection. */
function inItsTurn<Result>(result: Promise<Result>): { result: Promise<Result> } {
  result.catch(() => {})
  return { result }
}

/** The failure of the items is a result as well, behind those that were begun before. */
async function* begin<Item, Result>(items: AsyncIterable<Item>, work: (item: Item) => Promise<Result>) {
  try {
    for await (const item of items) yield inItsTurn(work(item))
  } catch (error) {
    yield inItsTurn<Result>(Promise.reject(error))
  }
}

export interface AheadWork<Item, Result> {
  /** How many items are worked on at once, the one whose turn it is among them. */
  ahead: number
  work(item: Item): Promise<Result>
  /** Gives back a result that nobody will see. */
  discard(result: Result): void
}

/**
 * Begins work on items before their turn and gives the results in order, each as soon as it is there: a source that is
 * silent holds back none. Reads no item before it is asked for a result, and then at most `ahead` more than it has given.
 * Leaving waits for a read that is under way.
 */
export async function* workAhead<Item, Result>(
  items: AsyncIterable<Item>,
  { ahead, work, discard }: AheadWork<Item, Result>,
): AsyncGenerator<Result> {
  const begun: Promise<Result>[] = []
  const source = begin(items, work)
  let reading: ReturnType<typeof source.next> | undefined
  let ended = false
  try {
    while (!ended || begun.length > 0) {
      if (!ended && begun.length < ahead) reading ??= source.next()
      const [turn] = begun
      if (reading !== undefined && (turn === undefined || (await comesFirst(reading, turn)))) {
        const { done, value } = await reading
        reading = undefined
        if (done) ended = true
        else begun.push(value.result)
      } else {
        yield await (begun.shift() as Promise<Result>)
      }
    }
  } finally {
    reading?.then(({ done, value }) => (done ? undefined : value.result.then(discard, () => {}))).catch(() => {})
    for (const result of begun) result.then(discard, () => {})
    await source.return(undefined)
  }
}

/** Whether `first` settles before `second`, or both have. */
function comesFirst(first: Promise<unknown>, second: Promise<unknown>): Promise<boolean> {
  const settled = (promise: Promise<unknown>, answer: boolean) =>
    promise.then(
      () => answer,
      () => answer,
    )
  return Promise.race([settled(first, true), settled(second, false)])
}
