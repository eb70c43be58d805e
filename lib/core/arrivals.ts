import type { Pending } from '../../binding.js'
import { CallSite } from './call-site.js'
import { convertedFor, currentScope, type Scope } from './scope.js'

/** What is to be done with the outcome of a native call. */
interface Arrival {
  resolve(value: unknown): void
  reject(error: unknown): void
  convert(result: unknown): unknown
  site: CallSite
  /** The handles in the result are its. */
  scope: Scope | undefined
}

/** By ticket. */
const arrivals: (Arrival | undefined)[] = []

/** Of the promise that is being made, while it is: one executor for all promises makes no closure for each. */
let resolveNew: Arrival['resolve'] | undefined
let rejectNew: Arrival['reject'] | undefined
const executor = (resolve: Arrival['resolve'], reject: Arrival['reject']) => {
  resolveNew = resolve
  rejectNew = reject
}

/** The promise of a native call that has just been made: of what `convert` makes of its result for the current scope. */
export function arrival<Native, Public>(
  pending: Pending<Native>,
  convert: (result: Native) => Public,
  site: CallSite,
): Promise<Public> {
  const promise = new Promise<unknown>(executor) as Promise<Public>
  arrivals[pending] = {
    resolve: resolveNew as Arrival['resolve'],
    reject: rejectNew as Arrival['reject'],
    convert: convert as Arrival['convert'],
    site,
    scope: currentScope(),
  }
  resolveNew = rejectNew = undefined // they would keep the promise, and its value, alive
  return promise
}

/** Given to the addon, which calls it once for many calls: see `initialize` in binding.d.ts. */
export function settleArrived(...ticketsAndOutcomes: unknown[]): void {
  for (let i = 0; i < ticketsAndOutcomes.length; i += 2) {
    const ticket = ticketsAndOutcomes[i] as number
    const outcome = ticketsAndOutcomes[i + 1]
    const call = take(ticket < 0 ? ~ticket : ticket)
    if (call === undefined) continue // nobody asked for it
    const { resolve, reject, convert, site, scope } = call
    if (ticket < 0) {
      reject(site.completed(outcome))
      continue
    }
    try {
      resolve(convertedFor(scope, convert, outcome))
    } catch (error) {
      reject(site.completed(error))
    }
  }
}

function take(ticket: number): Arrival | undefined {
  const arrived = arrivals[ticket]
  arrivals[ticket] = undefined
  return arrived
}

/** What the call of a native function ends with. */
export type OutcomeOf<Call extends (...args: never[]) => unknown> =
  ReturnType<Call> extends Pending<infer Native> ? Native : never

const asItIs = <T>(result: T) => result

/** The result of a native call as it is, for what needs it on the way to its own. */
export function arrived<Native>(pending: Pending<Native>): Promise<Native> {
  return arrival(pending, asItIs, CallSite.unnamed)
}
