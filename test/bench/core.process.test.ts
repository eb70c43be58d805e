import { expect, test } from 'vitest'
import { quickRows, runBench } from '../support/bench-document.js'

const names = [
  'addon.size',
  'import.bare',
  'import.cpu',
  'roundtrip.serial',
  'roundtrip.serial.asyncworker',
  'roundtrip.serial.tensor',
  'roundtrip.serial.tensor.asyncworker',
  'roundtrip.pipelined',
  'roundtrip.pipelined.asyncworker',
  'roundtrip.pipelined.tensor',
  'roundtrip.pipelined.tensor.asyncworker',
  'loop.delay.p99',
  'loop.readfile.p99',
  'neighbour.p50',
  'neighbour.p50.latency',
  'cycles.rss',
]

test('an unknown suite is refused with the names of those that are', async () => {
  const refused = /Expected the name of a suite \(.*\bcore\b.*\) but received 'cores'/
  await expect(runBench(['cores'])).rejects.toThrow(refused)
})

// The peers are 400 MB from package registries, which a plain run of the tests does not ask for.
if (process.env.FULL === '1') {
  test('the suite core measures every row, correctly', { timeout: 300_000 }, async () => {
    expect(await quickRows('core')).toEqual({ besidePeers: names, alone: [] })
  })
}
