// µs per call that leaves the JS thread and comes back with no work done. Argument: JSON {roundTripAddon, rounds, calls,
// inFlight}.
// Prints {[path]: {serial: [µs], pipelined: [µs]}, correct}: one figure per round, the paths in turn.
import { createRequire } from 'node:module'
import { Module, Tensor } from 'node-libtorch'

const { roundTripAddon, rounds, calls, inFlight } = JSON.parse(process.argv[2])
const addon = createRequire(import.meta.url)(roundTripAddon)
const echo = await Module.fromSource('def forward(self, x):\n    return x\n')
const echoNumber = await Module.fromSource('def forward(self, x: int):\n    return x\n')
const values = [1.5, -2, 3.25]
const input = Tensor.from(new Float32Array(values), [3])

function expectNumber(result, wanted) {
  if (result !== wanted) throw new Error(`Expected ${wanted} back but received ${result}`)
}

/** One call and what a caller must do with its result. */
const paths = {
  ours: async () => (await echo.forward(input)).dispose(),
  oursNumber: async (i) => expectNumber(await echoNumber.forward(i), i),
  thread: async (i) => expectNumber(await addon.callThread(i), i),
  asyncWorker: async (i) => expectNumber(await addon.callAsyncWorker(i), i),
}

async function serial(call) {
  const start = performance.now()
  for (let i = 0; i < calls; i += 1) await call(i)
  return ((performance.now() - start) / calls) * 1000
}

async function pipelined(call) {
  let next = 0
  const lane = async () => {
    while (next < calls) await call(next++)
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: inFlight }, lane))
  return ((performance.now() - start) / calls) * 1000
}

async function returnsItsInput() {
  const output = await echo.forward(input)
  const data = await output.data()
  output.dispose()
  return data.length === values.length && values.every((value, i) => data[i] === value)
}

const results = Object.fromEntries(Object.keys(paths).map((name) => [name, { serial: [], pipelined: [] }]))
for (let round = -1; round < rounds; round += 1) {
  for (const [name, call] of Object.entries(paths)) {
    const figures = { serial: await serial(call), pipelined: await pipelined(call) }
    if (round < 0) continue // the first round warms the compilers up
    results[name].serial.push(figures.serial)
    results[name].pipelined.push(figures.pipelined)
  }
}
const correct = await returnsItsInput()
console.log(JSON.stringify({ ...results, correct }))
process.exit() // the thread of the peer never ends
