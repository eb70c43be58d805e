// What `bench` was asked for, up to the name of the row, which only its suite knows; read before minutes of set-up, and by
// whoever measures.
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { SetupError } from '../setup/command.mjs'

const here = dirname(fileURLToPath(import.meta.url))

function suiteNames() {
  const isSuite = (folder) => readdirSync(join(here, folder)).includes('suite.mjs')
  const folders = readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return folders.map(({ name }) => name).filter(isSuite)
}

function parsed(args) {
  try {
    const options = { json: { type: 'boolean' }, markdown: { type: 'boolean' } }
    return parseArgs({ args, allowPositionals: true, options })
  } catch (error) {
    if (error instanceof TypeError) throw new SetupError(error.message)
    throw error
  }
}

/** `<suite> [row] [--json | --markdown]`; `filter` is the row. SetupError for what is none. */
export function parseBench(args) {
  const { values, positionals } = parsed(args)
  const [suite, filter, ...rest] = positionals
  if (rest.length > 0) throw new SetupError(`Expected a suite and at most one row but received '${rest[0]}' too`)
  const names = suiteNames()
  if (!names.includes(suite)) {
    throw new SetupError(`Expected the name of a suite (${names.join(', ')}) but received '${suite ?? ''}'`)
  }
  return { suite, filter, form: values.json ? 'json' : values.markdown ? 'markdown' : 'table' }
}
