// `node scripts/setup/run.mjs <demo|test|bench|build|prebuild|check-libtorch> [args]`: sets up what is missing, then does the job.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseBench } from '../bench/command-line.mjs'
import { wantedDemos } from '../demo/demo-names.mjs'
import { checkLibtorch, minorOf } from './check-libtorch.mjs'
import { command, SetupError } from './command.mjs'
import { diskNeeds } from './disk-needs.mjs'
import { ensureArchitectures } from './export.mjs'
import { ensureLibtorch } from './libtorch.mjs'
import { ensureNative } from './native.mjs'
import { ensureNodeModules } from './node-modules.mjs'
import { ensurePrerequisites } from './prerequisites.mjs'
import { runTests } from './run-tests.mjs'
import { ensureSampleModels } from './sample-models.mjs'
import { ensureTypescript } from './typescript.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const { development: version, published } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).libtorch
const minor = minorOf(version)
const log = (line) => process.stderr.write(`setup: ${line}\n`)

const needs = diskNeeds(root)

/** `disk` is what the job needs besides the build. */
async function build(disk = []) {
  const own = [...needs.libtorch(version, 'cpu'), ...needs.nodeModules(), ...needs.native(minor)]
  await ensurePrerequisites({ disk: [...own, ...disk] })
  await ensureNodeModules({ root, log })
  const torchDir = await ensureLibtorch({ version, log })
  await ensureNative({ root, torchDir, minor, log })
  await ensureTypescript({ root, log })
  return torchDir
}

/** Besides the build: Python with the originals that goldens and exports come from, and the exported models. */
async function buildWithOracle() {
  const torchDir = await build([...needs.oracle(), ...needs.sampleModels()])
  const { ensureOracle } = await import('./oracle.mjs')
  const oraclePython = await ensureOracle({ torchDir, root, log })
  await ensureSampleModels({ root, oraclePython, log })
  return { ORACLE_PYTHON: oraclePython }
}

async function test(args) {
  const env = await buildWithOracle()
  // What the suite holds data/architectures against.
  await ensureArchitectures({ root, oraclePython: env.ORACLE_PYTHON, log })
  return runTests({ root, minor, args, env, log })
}

/** The addons of the published package, for each libtorch minor that it serves. */
async function prebuild() {
  const others = published.filter((wanted) => wanted !== version)
  await build(others.flatMap((wanted) => [...needs.libtorch(wanted, 'cpu'), ...needs.native(minorOf(wanted))]))
  for (const wanted of published) {
    const torchDir = await ensureLibtorch({ version: wanted, log })
    await ensureNative({ root, torchDir, minor: minorOf(wanted), log })
  }
  const { collectPrebuilds } = await import('../prebuild/collect.mjs')
  const { narrowerThanLibtorch } = await import('../prebuild/requirements.mjs')
  const narrower = narrowerThanLibtorch(await collectPrebuilds({ root, minors: published.map(minorOf), log }))
  if (narrower === undefined) return
  if (process.env.npm_command === 'publish')
    throw new SetupError(`Expected a package for all that libtorch serves but ${narrower}`)
  process.stderr.write(`warning: ${narrower}\n`)
}

async function script(path, args) {
  const env = await buildWithOracle()
  return (await command(process.execPath, [join(root, path), ...args], { cwd: root, env })).code
}

const jobs = {
  demo: (args) => {
    const wanted = wantedDemos(args)
    if (typeof wanted === 'string') throw new SetupError(wanted) // before minutes of set-up
    return script('scripts/demo/main.mjs', args)
  },
  bench: (args) => {
    parseBench(args) // before minutes of set-up
    return script('scripts/bench/main.mjs', args)
  },
  test,
  build: async () => {
    await build()
    return 0
  },
  prebuild: async () => {
    await prebuild()
    return 0
  },
  'check-libtorch': async ([wanted]) => {
    const addons = minorOf(wanted) === minor ? [] : needs.native(minorOf(wanted))
    await build([...addons, ...needs.libtorch(wanted, 'cu')])
    return checkLibtorch({ root, version: wanted, log })
  },
}

const [name = '', ...args] = process.argv.slice(2)
try {
  if (!Object.hasOwn(jobs, name)) {
    throw new SetupError(`Expected one of ${Object.keys(jobs).join(', ')} but received '${name}'`)
  }
  process.exitCode = await jobs[name](args)
} catch (error) {
  process.stderr.write(`${error instanceof SetupError ? error.message : error.stack}\n`)
  if (name === 'test') console.log('tests: 0 passed, 1 failed')
  process.exitCode = 1
}
