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
 * Begins work on items before their turn and gives the results in order. Reads no item before it is asked for a result,
 * and then at most `ahead` more than it has given.
 */
export async function* workAhead<Item, Result>(
  items: AsyncIterable<Item>,
  { ahead, work, discard }: AheadWork<Item, Result>,
): AsyncGenerator<Result> {
  const begun: Promise<Result>[] = []
  const next = () => begun.shift() as Promise<Result>
  try {
    for await (const { result } of begin(items, work)) {
      begun.push(result)
      if (begun.length >= ahead) yield await next()
    }
    while (begun.length > 0) yield await next()
  } finally {
    for (const result of begun) result.then(discard, () => {})
  }
}
