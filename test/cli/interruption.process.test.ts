// SIGHUP, SIGINT and SIGTERM as they reach a command: once, twice for one press of Ctrl-C, and once more from who will not wait.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { runScript } from '../support/child-script.js'
import { repositoryRoot } from '../support/source-files.js'

const file = pathToFileURL(join(repositoryRoot, 'dist', 'cli', 'interruption.js')).href

/** Work that takes a second to end after it was told to; `signals` runs meanwhile. */
const interrupted = (signals: string) =>
  runScript(`
import { setTimeout as sleep } from 'node:timers/promises'
import { interruptible } from ${JSON.stringify(file)}
const send = (name) => process.kill(process.pid, name)
const status = interruptible(async (signal) => {
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  await sleep(1000)
  throw signal.reason
})
${signals}
console.log(await status)
`)

test.each([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
])('%s that comes twice at once, as from a terminal and from npm, counts once and is %i', async (name, status) => {
  const { code, signal, stdout } = await interrupted(`send('${name}'); await sleep(20); send('${name}')`)
  expect({ code, signal, stdout }).toEqual({ code: 0, signal: null, stdout: `${status}\n` })
})

test('a later one ends the process at once', async () => {
  const { signal, stdout } = await interrupted(`send('SIGINT'); await sleep(600); send('SIGINT'); await sleep(200)`)
  expect({ signal, stdout }).toEqual({ signal: 'SIGINT', stdout: '' })
})
