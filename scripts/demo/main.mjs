// `npm run demo [-- name]`: runs a demo on real input and says whether its numbers are Python's.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { classify } from './classify.mjs'
import { demoNames, wantedDemos } from './demo-names.mjs'
import { features } from './features.mjs'
import { resnet18 } from './resnet18.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const demos = { classify, features, resnet18 }

async function run(names) {
  for (const name of names) {
    if (!(await demos[name]({ root }))) process.exitCode = 1
  }
  const others = demoNames.filter((name) => !names.includes(name))
  if (others.length > 0) console.log(`\nother demos: npm run demo -- ${[...others, 'all'].join(' | ')}`)
}

const wanted = wantedDemos(process.argv.slice(2))
if (typeof wanted === 'string') {
  console.error(wanted)
  process.exitCode = 1
} else {
  await run(wanted)
}
