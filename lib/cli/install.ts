import { Command, InvalidArgumentError, Option } from 'commander'
import { TorchError } from '../index.js'
import type { InstallOptions } from '../io/install-options.js'
import { type InstalledLibtorch, installLibtorch } from '../io/libtorch-install.js'
import { type ProgressView, plainProgress, terminalProgress } from './install-progress.js'

interface Flags {
  cpu?: true
  cuda?: true
  json?: true
  timeout?: number
  version?: string
  index?: string
  findLinks?: string
  from?: string
  force?: true
  allowUnverified?: true
  retries?: number
}

const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const

function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('Expected a number.')
  return value
}

/** Installs while showing progress on stderr; SIGINT and SIGTERM end it cleanly and are thrown as their name. */
async function installWithProgress(options: InstallOptions): Promise<InstalledLibtorch> {
  const view: ProgressView = process.stderr.isTTY
    ? terminalProgress(process.stderr)
    : plainProgress((line) => process.stderr.write(`${line}\n`))
  const interruption = new AbortController()
  const interrupt = (name: NodeJS.Signals) => interruption.abort(name)
  for (const name of Object.keys(signalNumbers)) process.once(name, interrupt)
  try {
    const steps = installLibtorch.steps({ ...options, signal: interruption.signal })
    for (;;) {
      const { done, value } = await steps.next()
      if (done) return value
      view.show(value)
    }
  } finally {
    view.stop()
    for (const name of Object.keys(signalNumbers)) process.removeListener(name, interrupt)
  }
}

function resultText({ fresh, version, variant, folder }: InstalledLibtorch): string {
  const lines = [`${fresh ? 'installed' : 'already installed'}: libtorch ${version} (${variant}) in ${folder}`]
  if (process.env.NODE_LIBTORCH_PATH) lines.push(`note: NODE_LIBTORCH_PATH is set, and names another libtorch`)
  return lines.join('\n')
}

function failureText(error: TorchError, json: boolean): string {
  if (!json) return `error: ${error.message}`
  return JSON.stringify({ installed: false, code: error.code, message: error.message }, undefined, 2)
}

async function install({ cpu, cuda, json = undefined, timeout, ...flags }: Flags): Promise<void> {
  const variant = cpu ? 'cpu' : cuda ? 'cuda' : undefined
  try {
    const result = await installWithProgress({ ...flags, variant, timeoutSeconds: timeout })
    process.stdout.write(
      `${json ? JSON.stringify({ installed: true, ...result }, undefined, 2) : resultText(result)}\n`,
    )
  } catch (error) {
    if (error === 'SIGINT' || error === 'SIGTERM') {
      process.exitCode = 128 + signalNumbers[error]
      process.stderr.write('interrupted: the same command goes on where it was\n')
      return
    }
    if (!(error instanceof TorchError)) throw error
    process.exitCode = 1
    const stream = json ? process.stdout : process.stderr
    stream.write(`${failureText(error, json === true)}\n`)
  }
}

const examples = `
Without --index, --find-links and --from it asks NODE_LIBTORCH_INDEX, else the sources of pip's environment variables
and configuration, then PyTorch's own index, then pip itself. Proxies: HTTP_PROXY, HTTPS_PROXY, NO_PROXY.

Examples:
  $ npx node-libtorch install
  $ npx node-libtorch install --cuda --version 2.13
  $ npx node-libtorch install --from /media/wheels
`

export function installCommand(): Command {
  return new Command('install')
    .description('put libtorch into the cache, where this package finds it')
    .addOption(new Option('--cpu', 'a build for the CPU').conflicts('cuda'))
    .option('--cuda', 'a CUDA build with all its libraries (default: where a CUDA driver runs)')
    .option('--version <version>', 'such as 2.13 or 2.13.0 (default: the newest that fits this package)')
    .option('--index <url>', 'a package index')
    .option('--find-links <folder or url>', 'a folder of wheels, or a page of links to wheels')
    .option('--from <path>', 'a wheel or a folder of wheels, for machines without a network')
    .option('--force', 'replace what is installed')
    .option('--allow-unverified', 'take wheels whose index promises no SHA-256')
    .option('--retries <number>', 'how often to try again without progress', number)
    .option('--timeout <seconds>', 'the longest silence of a server', number)
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', examples)
    .action(install)
}
