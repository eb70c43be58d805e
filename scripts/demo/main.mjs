// `npm run demo [-- name]`: runs a demo on real input and says whether its numbers are Python's.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { classify } from './classify.mjs'
import { features } from './features.mjs'
import { resnet18 } from './resnet18.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const demos = { classify, features, resnet18 }
const wanted = process.argv[2] ?? 'classify'

async function run(names) {
  for (const name of names) {
    if (!(await demos[name]({ root }))) process.exitCode = 1
  }
  const others = Object.keys(demos).filter((name) => !names.includes(name))
  if (others.length > 0) console.log(`\nother demos: npm run demo -- ${[...others, 'all'].join(' | ')}`)
}

if (wanted === 'all') await run(Object.keys(demos))
else if (Object.hasOwn(demos, wanted)) await run([wanted])
else {
  console.error(`Expected one of ${[...Object.keys(demos), 'all'].join(', ')} but received '${wanted}'`)
  process.exitCode = 1
}
