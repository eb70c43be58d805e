import { inspect, types } from 'node:util'

const longestDescription = 100
const longestArray = 6

/** One short line for values of a class of ours, undefined for others. Runs no code of the caller's. */
type Describer = (value: unknown) => string | undefined
const describers: Describer[] = []

/** For classes whose content inspect() would not see. */
export function describeWith(describer: Describer): void {
  describers.push(describer)
}

function describedAsOurs(value: unknown): string | undefined {
  for (const describer of describers) {
    const text = describer(value)
    if (text !== undefined) return text
  }
  return undefined
}

/** An array with values of ours in it. */
function describedItems(value: unknown): string | undefined {
  if (types.isProxy(value) || !Array.isArray(value) || value.length > longestArray) return undefined
  const items = Array.from({ length: value.length }, (_, i) => Object.getOwnPropertyDescriptor(value, i)?.value)
  return items.some((item) => describedAsOurs(item)) ? `[ ${items.map(describe).join(', ')} ]` : undefined
}

/** One short line that is fit for an error message: never runs a getter or a proxy's trap, never throws. */
export function describe(value: unknown): string {
  const own = describedAsOurs(value) ?? describedItems(value)
  if (own !== undefined) return shortened(own)
  const options = { depth: 0, customInspect: false, breakLength: Number.POSITIVE_INFINITY, compact: true }
  let text: string
  try {
    text = inspect(value, { ...options, maxArrayLength: longestArray, maxStringLength: 60 })
  } catch {
    return `a value of type ${typeof value} that throws when it is looked at` // a toStringTag or constructor getter
  }
  return shortened(text.replace(/\s*\n\s*/g, ' '))
}

function shortened(text: string): string {
  return text.length <= longestDescription ? text : `${text.slice(0, longestDescription)}...`
}
