// Loads, runs and releases ResNet18 again and again. Argument: JSON {root, stack, ..., cycles}. Prints the resident
// bytes after each cycle.
import { setImmediate as macrotask } from 'node:timers/promises'
import { equalsGolden, openResnet18, readGolden } from '../../resnet18.mjs'

const { root, cycles, ...stack } = JSON.parse(process.argv[2])
const golden = readGolden(root)
const resident = []
let correct = true
for (let i = 0; i < cycles; i += 1) {
  const network = await openResnet18(stack, golden)
  correct = equalsGolden(await network.run(), golden) && correct
  await network.close()
  await macrotask()
  resident.push(process.memoryUsage.rss())
}
console.log(JSON.stringify({ resident, correct }))
