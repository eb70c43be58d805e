// `bench <suite> [row] [--json | --markdown]`: side-by-side figures against peers, in one run on this machine.
import { readdirSync } from 'node:fs'
import { loadavg } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ensureBenchPeers } from '../setup/bench-peers.mjs'
import { SetupError } from '../setup/command.mjs'
import { describeMachine } from './machine.mjs'
import { runFamilies } from './runner.mjs'
import { formatMarkdown, formatTable } from './table.mjs'
import { collectVersions } from './versions.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')
const formatJson = (document) => JSON.stringify(document, undefined, 2)
const log = (line) => process.stderr.write(`bench: ${line}\n`)

function suiteNames() {
  const isSuite = (folder) => readdirSync(join(here, folder)).includes('suite.mjs')
  const folders = readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return folders.map(({ name }) => name).filter(isSuite)
}

function parseCommandLine() {
  try {
    const options = { json: { type: 'boolean' }, markdown: { type: 'boolean' } }
    const { values, positionals } = parseArgs({ allowPositionals: true, options })
    const [suite, filter, ...rest] = positionals
    if (rest.length > 0) throw new TypeError(`Expected a suite and at most one row but received '${rest[0]}' too`)
    const format = values.json ? formatJson : values.markdown ? formatMarkdown : formatTable
    return { format, suite, filter }
  } catch (error) {
    if (error instanceof TypeError) throw new SetupError(error.message)
    throw error
  }
}

async function bench() {
  const { format, suite, filter } = parseCommandLine()
  const names = suiteNames()
  if (!names.includes(suite)) {
    throw new SetupError(`Expected the name of a suite (${names.join(', ')}) but received '${suite ?? ''}'`)
  }
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
  console.log(format({ suite, machine: describeMachine(), versions, rows }))
  process.exitCode = failed ? 1 : 0
}

try {
  await bench()
} catch (error) {
  process.stderr.write(`${error instanceof SetupError ? error.message : error.stack}\n`)
  process.exitCode = 1
}
