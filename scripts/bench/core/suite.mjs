// The core: calls, the event loop, neighbours, size, start and memory.
import { addonSize } from './addon-size.mjs'
import { cycles } from './cycles.mjs'
import { eventLoop } from './event-loop.mjs'
import { imports } from './import.mjs'
import { neighbour } from './neighbour.mjs'
import { roundTrip } from './round-trip.mjs'

export const families = [addonSize, imports, roundTrip, eventLoop, neighbour, cycles]
