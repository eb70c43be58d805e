// `bench <suite> [row] [--json | --markdown]`: side-by-side figures against peers, in one run on this machine.
import { loadavg } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureBenchPeers } from '../setup/bench-peers.mjs'
import { SetupError } from '../setup/command.mjs'
import { parseBench } from './command-line.mjs'
import { describeMachine } from './machine.mjs'
import { runFamilies } from './runner.mjs'
import { formatMarkdown, formatTable } from './table.mjs'
import { collectVersions } from './versions.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')
const formats = {
  json: (document) => JSON.stringify(document, undefined, 2),
  markdown: formatMarkdown,
  table: formatTable,
}
const log = (line) => process.stderr.write(`bench: ${line}\n`)

async function bench() {
  const { suite, filter, form } = parseBench(process.argv.slice(2))
  const oraclePython = process.env.ORACLE_PYTHON
  if (!oraclePython) throw new SetupError("Expected the oracle's Python in ORACLE_PYTHON: start with `npm run bench`")

  const { families } = await import(`./${suite}/suite.mjs`)
  const peers = await ensureBenchPeers({ root, oraclePython, log })
  // The quick form proves that every row can be measured; its figures mean nothing.
  const context = { root, oraclePython, peers, log, quick: process.env.BENCH_QUICK === '1' }
  const versions = await collectVersions(context)
  const [load = 0] = loadavg()
  if (load > 0.5) log(`the load average is ${load.toFixed(1)}: figures count on a machine that does nothing else`)
  const { rows, failed } = await runFamilies(families, context, filter)
  if (rows.length === 0) throw new SetupError(`Expected the name of a row of ${suite} but received '${filter}'`)
  console.log(formats[form]({ suite, machine: describeMachine(), versions, rows }))
  process.exitCode = failed ? 1 : 0
}

try {
  await bench()
} catch (error) {
  process.stderr.write(`${error instanceof SetupError ? error.message : error.stack}\n`)
  process.exitCode = 1
}
